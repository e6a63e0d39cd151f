"""Marriage (婚姻登记): decides whose record is annotated when a spouse has died: the living spouse's, by rule when the
register holds one marriage in force, by a registrar when it does not speak clearly, and nobody's when there is none.
"""
