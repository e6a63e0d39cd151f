import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;

/** Runs one of Kafka's own tools once for each line of standard input, in one virtual machine: starting one costs a second. */
public class Several {
    /** The first argument names the tool's class; each line holds one run's arguments, parted by tabulators. */
    public static void main(String[] arguments) throws Exception {
        Method tool = Class.forName(arguments[0]).getMethod("main", String[].class);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            tool.invoke(null, (Object) line.split("\t"));
        }
    }
}
