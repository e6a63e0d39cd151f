"""Every code that a refusal may carry, once, with what it says in Chinese and English.

A code never changes: clients branch on it. One idea has one code, wherever it is found: a number out of its bounds is
`OUT_OF_RANGE` in a query, a body and a form. Who refuses may say more closely what would be right; who does not is
given these words. `docs/codes.md` is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

REQUEST: Final[Mapping[str, str]] = {
    "BAD_REQUEST": "内容无法读取:含有不能保存的字符或数值、同一名称出现两次,或嵌套过深 / what was sent cannot be read: it holds"
    " characters or numbers that cannot be kept, names something twice, or is nested too deep",
    "FORM_UNREADABLE": "表单读不了 / the form cannot be read",
    "IDEMPOTENCY_KEY_INVALID": "Idempotency-Key 应为 1 至 200 个可见 ASCII 字符 / an Idempotency-Key has 1 to 200"
    " visible ASCII characters",
    "IDEMPOTENCY_KEY_REQUIRED": "请在 Idempotency-Key 头中给出本次提交的唯一编号 / send an Idempotency-Key header, one"
    " for each thing to create",
    "IDEMPOTENCY_KEY_REUSED": "该 Idempotency-Key 已用于另一内容,请换一个 / this key was used with another body: take a"
    " new one",
    "STILL_RUNNING": "同样的请求正在处理 / the same request is still being handled",
    "UNAUTHENTICATED": "请先登录,或令牌已失效 / sign in first: there is no token, or it does not hold any more",
    "TOKEN_INVALID": "请先登录,或令牌已失效 / sign in first: there is no token, or it does not hold any more",
    "INVALID_CREDENTIALS": "账号或密码不正确 / the account or its secret is wrong",
    "SESSION_ENDED": "会话已结束,请重新登录 / the session is over: sign in again",
    "FORBIDDEN": "您的岗位无权办理此操作 / your roles do not allow this",
    "NOT_FOUND": "没有这个地址或记录 / there is no such address or record",
    "METHOD_NOT_ALLOWED": "此地址不支持该方法 / this address does not take that method",
    "TOO_SLOW": "发送太慢,请换个网络再试 / what was sent took too long to come, try again",
    "CONFLICT": "与现状冲突,请重新查看 / the state has moved on: read again",
    "ALREADY_THERE": "已经存在 / it is there already",
    "TOO_LARGE": "内容超过大小限制 / the body is larger than allowed",
    "UNSUPPORTED_MEDIA_TYPE": "请以 UTF-8 发送 application/json(取令牌用表单,上传文件用 multipart/form-data),不要压缩 /"
    " send application/json in UTF-8 (a form for a token, multipart/form-data for a file), not compressed",
    "ADDRESS_TOO_LONG": "地址过长 / the address is too long",
    "HEADERS_TOO_LARGE": "请求头过大 / the headers are larger than allowed",
    "INVALID": "填写有误,见 errors / wrong fields, see errors",
    "TOO_MANY_REQUESTS": "请求过于频繁,请稍后再试 / too many requests: try again later",
    "TOO_BUSY": "正在处理的申请过多,请稍后再试;本次没有保存任何内容 / too much is being handled: try again later,"
    " nothing was stored",
    "INTERNAL": "系统出错,已记录,请稍后再试或联系管理员 / something failed and was recorded: try again, or tell the"
    " operator",
    "TRANSIENT": "暂时无法服务,请稍后再试 / away for a moment, try again soon",
    "NEWER_RELEASE": "须由更新的版本处理,请完成升级 / only a newer release may handle this: finish the upgrade",
    "SERVICE_AWAY": "这项服务暂时没有应答,请稍后再试 / this service does not answer for a moment, try again soon",
}
"""What is refused whatever it is about: who asks, how it is sent, and when nobody can answer."""

FIELDS: Final[Mapping[str, str]] = {
    "REQUIRED": "请填写 / this is required",
    "UNKNOWN_FIELD": "没有这一项,请删去 / no such field here, leave it out",
    "JSON_INVALID": "不是有效的 JSON / this is not valid JSON",
    "FORMAT": "格式不对 / not in the right form",
    "NOT_ALLOWED": "请从规定的取值中选择 / choose one of the values allowed",
    "OUT_OF_RANGE": "数值超出范围 / out of range",
    "TOO_LONG": "内容过长,请缩短 / too long, shorten it",
    "TOO_SHORT": "内容过短 / too short",
    "TOO_MANY": "项数过多 / too many entries",
    "TOO_FEW": "项数不足 / too few entries",
    "CURSOR_INVALID": "翻页位置无效,请从第一页开始 / this is no place in this list: start at its beginning",
    "IN_FUTURE": "日期不能晚于今天 / the day may not be after today",
    "DATES": "终止日期早于起始日期 / it would end before it begins",
    "TOO_OLD": "收件日期过早,请核对 / that day of receiving lies too far back",
    "BEFORE_BIRTH": "死亡日期早于证件号码中的出生日期 / the death is before the birth in the number",
    "BEFORE_DEATH": "火化日期不能早于死亡日期 / a cremation comes after the death",
    "BEFORE_ISSUE": "送达时间不能早于文书出具时间 / no paper is delivered before it is issued",
    "ONLY_OF_NOTICE": "只有公告送达才填写事由和此前的送达经过 / only a public notice has a ground and earlier tries",
    "NOT_BEFORE_NOTICE": "应在文书出具之后、公告之前 / after the paper's issue and before its announcement",
    "HIDDEN_CHARACTER": "姓名中有看不见的字符,请重新输入 / the name holds characters nobody sees: type it again",
    "ID_TYPE": "证件类型与证件号码不符,请核对证件类型 / the number belongs to another type of document",
    "ID_REQUIRED": "请填写证件号码 / the number is missing",
    "ID_UNEXPECTED": "身份不明时不填证件号码 / leave the number out when the person is unknown",
    "ID_FORMAT": "证件号码格式不对,请核对位数和字符 / the number has not the form of its type",
    "ID_CHECK_DIGIT": "证件号码校验位不符,请核对有无错号 / the check digit does not fit, a digit is wrong",
    "ID_BIRTH_DATE": "证件号码中的出生日期不存在或不合理 / the birth date in the number is not possible",
    "REGION_FORMAT": "区划代码应为6位或12位数字 / a region has 6 or 12 digits",
    "UNIT_CODE": "机构代码由大写字母、数字和连字符组成 / capitals, digits and hyphens",
    "DUPLICATE_CODE": "同一项目请合并为一行 / one line a code",
    "UNKNOWN_BUNDLE": "目录中没有这个一件事 / no such bundle in the catalogue",
    "UNKNOWN_MATTER": "目录中没有这个事项 / no such matter in the catalogue",
    "UNKNOWN_REGION": "没有机构办理这个区划,请核对代码 / no unit serves this region",
    "UNKNOWN_UNIT": "没有这个机构 / there is no such unit",
    "UNKNOWN_ROLE": "没有这样的岗位 / there is no such role",
    "UNKNOWN_FUNERAL_HOME": "没有这家殡仪馆,请核对编号 / no such funeral home",
    "UNKNOWN_MATERIAL": "没有这种材料 / no such material type",
    "UNKNOWN_CHARGE": "没有这个收费项目 / no such charge",
    "UNKNOWN_FACT": "该申请没有这项待核实的事实 / this application rests on no such fact",
    "UNKNOWN_TOPIC": "该服务不读这个主题 / this service reads no such topic",
    "UNKNOWN_PARTITION": "没有这个分区 / there is no such partition",
    "FIELD_NOT_IN_CASE": "本件所办事项不需要这一项,请删去 / no matter of this case declares this field, leave it out",
    "MATTER_NOT_IN_BUNDLE": "该事项不属于这个一件事 / not a member of the bundle",
    "MATTER_NOT_IN_CASE": "本件没有这个事项 / not a matter of this application",
    "EXTERNAL_NOT_CONNECTED": "该部门尚未接入联办,请删去此项,并请申请人直接到该部门办理 / no department is connected yet:"
    " leave it out, the applicant goes to the department itself",
    "CONDITION_NOT_MET": "不符合联办条件 / its condition does not hold",
    "PREREQUISITE_MISSING": "须先办理前置事项,或一并办理 / what comes first is missing, add it",
    "NOTHING_TO_DO": "没有符合条件的事项 / no matter of the bundle applies",
    "NO_UNIT": "该地区没有办理此事项的机构 / no unit there handles this matter",
    "SUBJECT_NOT_TAKEN": "本件所办事项不涉及另外的当事人,请删去 / no matter of this case is about another person",
    "CO_APPLICANT_NOT_TAKEN": "本件所办事项没有共同申请人,请删去 / no matter of this case takes a co-applicant",
    "HOUSEHOLD_NOT_TAKEN": "本件所办事项不需要家庭成员,请删去 / no matter of this case takes household members",
    "SAME_PERSON": "申请人与事主不能是同一人 / applicant and subject are one person",
    "APPLICANT_NOT_YOU": "网上申请须由申请人本人提交 / an application online is handed in by the applicant",
    "NOT_BY_YOURSELF": "网上申请不能自行填写此项 / this cannot be chosen by one who applies online",
    "NOT_SECONDARY": "主要材料不能容缺,请现在提交 / a main material cannot follow later",
    "PROMISE_TOO_LATE": "容缺补齐的日期过晚 / a material cannot follow that late",
    "PROMISED_BEFORE": "该材料已容缺一次,请提交 / this material was promised once already: bring it",
    "COMMITMENT_REQUIRED": "须作出承诺(true)方可办理 / the commitment must be given (true)",
    "COMMITMENT_NOT_ALLOWED": "该材料不适用告知承诺,请提交材料 / a commitment cannot stand for this material",
    "COMMITMENT_TEXT_OLD": "告知文本已更新,请重新告知并签署 / the text in force is to be told and signed anew",
    "COMMITMENT_TIMES": "应先告知、后签署,且不晚于现在 / first told, then signed, and not in the future",
    "COMMITMENT_BARRED": "曾作出不实承诺且未修复,请提交材料 / an earlier commitment was false: bring the papers",
    "NOT_ON_APPLICATION": "依职权或告知的事项不能撤回 / a matter that runs by law cannot be withdrawn",
    "PAUSE_GROUND_NOT_LISTED": "本事项不能以该事由暂停 / the matter does not list this ground",
    "PAUSE_TOO_LONG": "暂停时间过长 / longer than a pause on this ground may last",
    "ACCOUNT_KIND": "这类账号不能担任该岗位 / an account of this kind does not hold that role",
    "ADMINISTRATORS_APART": "三员须由不同的人担任 / the three administrators are different people",
    "ROLE_NOT_HELD": "被代理人没有该岗位,或就是本人 / the person stood in for does not hold this role, or is the same one",
    "NOT_YOURS": "只能登记本人的近亲属 / you register your own relatives",
    "STAND_IN": "代理人应为账号,或含 account、valid_from、valid_to / a stand-in is an account, or one with both days",
    "CIRCLE": "机构不能隶属于自己或其下级 / a unit cannot lie under itself",
    "OUTSIDE_PARENT": "区划不在上级机构辖区内 / the region lies outside its parent's",
    "BEYOND_END": "还没有这样的记录 / there is no such record yet",
    "NOT_KEPT": "更早的记录已过保留期 / what is older was kept for its time and is gone",
}
"""What one field is refused for."""

FILES: Final[Mapping[str, str]] = {
    "FILE_UNKNOWN": "没有这个文件,请先上传 / there is no such file, upload it first",
    "FILE_OF_ANOTHER": "这个文件已用于另一件申请,请重新上传 / this file belongs to another application: upload it again",
    "FILE_QUARANTINED": "文件还在查毒,请稍后再试 / the file is still being looked into, try again soon",
    "FILE_REFUSED": "文件未通过查毒,不能使用 / the file did not pass the virus scan",
    "FILE_EMPTY": "文件是空的 / the file is empty",
    "FILE_TYPE_NOT_ALLOWED": "只收 PDF、JPEG、PNG、WebP 和 OFD 文件 / only PDF, JPEG, PNG, WebP and OFD are taken",
    "FILE_TYPE_MISMATCH": "文件内容与所称类型或扩展名不符 / the content is not what its type or ending says",
    "FILE_TWO_IN_ONE": "文件里还藏着别的内容,请重新导出 / something else is hidden in the file: export it anew",
    "FILE_DAMAGED": "文件不完整或已损坏,请重新导出 / the file is cut short or damaged: export it anew",
    "FILE_ACTIVE": "文件里有程序或脚本,不能接收 / the file holds a program or script",
    "FILE_ENCRYPTED": "文件有密码,请去掉密码再上传 / the file is encrypted: remove its password",
    "FILE_NESTED": "压缩包里还有压缩包,不能接收 / an archive within an archive is not taken",
    "FILE_BOMB": "文件展开后过大,不能接收 / the file grows beyond measure when it is opened",
    "FILE_TOO_LARGE": "文件超过大小限制 / the file is larger than allowed",
    "FILES_WAITING": "未用于申请的文件过多,请先提交申请 / too many files wait for an application: hand one in first",
}
"""What a file is refused for."""

RULES: Final[Mapping[str, str]] = {
    "DUPLICATE_APPLICATION": "其中有事项正在办理或已经办结,整件不予重复受理 / a matter in it is being handled or was"
    " granted already: the whole is refused",
    "DRAFTS_WAITING": "草稿过多,请先提交或继续填写其中一份 / there are too many drafts: go on with one of them",
    "DRAFT_GONE": "草稿已不存在 / there is no such draft any more",
    "DRAFT_HANDED_IN": "草稿已提交 / this draft was handed in already",
    "NOT_CORRECTING": "本件目前不需要补正 / nothing waits for a correction now",
    "ROUND_OLD": "已是新的一轮,请重新查看后再补正 / another round is open: read again first",
    "NOTHING_TO_WITHDRAW": "没有可以撤回的在办事项 / no open matter here was applied for: nothing to withdraw",
    "NOT_HELD": "没有收存这种纸质材料,或已退还 / no such paper is held, or it was given back",
    "NOT_FALSE": "本件没有认定不实的承诺 / no commitment of this application was found false",
    "FACT_RETRACTED": "该事实已经更正,无须再提异议 / this fact was found not to be so already",
    "NO_CONSENT": "申请人没有同意电子送达 / the applicant has not agreed to electronic delivery",
    "INTERNAL_PAPER": "该文书只在机关内部流转,不向当事人送达 / this paper goes to units, not to the party",
    "NO_GROUND_FOR_NOTICE": "公告送达仅限受送达人下落不明,或者用其他方式无法送达;请写明事由和此前的送达经过 / a paper is"
    " announced only where the party cannot be found or the other ways failed: say which, and what was tried",
    "OTHER_WAYS_FIRST": "公告送达前应先以其他方式送达并记明经过 / other ways come before a public notice",
    "NOT_A_RECEIVER": "签收人既不是受送达人,也不是可以代收的人;请核对签收人与其关系 / the receiver is neither the party"
    " nor one who may receive for them: check who it was",
    "METHOD_NOT_YOURS": "您的岗位不能以此方式送达 / your role does not deliver papers in this way",
    "REGION_NOT_YOURS": "不在您岗位的辖区内 / your roles do not reach this region",
    "NOT_YOUR_UNIT": "不是您的机构 / this is another unit's",
    "ROLE_NEEDED": "须由本件所需岗位的人员办理 / this takes a role that you do not hold here",
    "VILLAGE_ASSISTS": "村(居)委会只能协助,不能作出决定 / a village may only assist, it decides nothing",
    "STAFF_KINSHIP": "当事人是您登记的近亲属,本件已另行分派 / a person concerned is a near relative of yours: the task"
    " goes to somebody else",
    "FOUR_EYES": "您已办理过前一环节,须由另一人办理 / you acted on this before: another person must decide it",
    "UNKNOWN_TASK": "没有这项待办 / there is no such task",
    "TASK_CLAIMED": "该待办已由他人领取 / somebody holds this task",
    "TASK_CLOSED": "该待办已经办结 / this task is over",
    "LEASE_LOST": "您未持有该待办,请重新领取 / you do not hold this task: claim it again",
    "OUTCOME_NOT_POSSIBLE": "本件现在不能作出此结果,请另选 / this outcome is not possible as the item stands: choose another",
    "EFFECTS_FROZEN": "本件所依据的事实有异议,已冻结;核实有结论后再办理 / what this item rests on is in doubt, so it is"
    " frozen: decide it once the doubt is settled",
    "ALREADY_PAUSED": "办理时限已在暂停 / the clock is paused already",
    "NOT_PAUSED": "办理时限未因该事由暂停 / the clock is not paused on that ground",
    "NO_CLOCK_RUNS": "办理时限尚未起算,不能暂停或延期 / no handling clock runs yet",
    "EXTENSION_ASKED": "延期已在报批 / an extension is with the leader already",
    "ALREADY_EXTENDED": "本件已延期过一次 / this item was extended once already",
    "EXTENSION_LATE": "已过承诺办结日,不能再延期 / the promised day has passed: it is too late to extend",
    "EXTENSION_NOT_LATER": "延期后的日期应晚于原办结日 / the new day must be later than the promised one",
    "EXTENSION_TOO_LONG": "超过依法可以延长的天数 / longer than the law allows",
    "NO_UNIT_ABOVE": "没有可批准的上级机关 / there is no unit above to approve it",
    "TOO_YOUNG": "未到可登记的月份,不能批准;请不予受理并告知何时可办 / it is too early to register, so it cannot be"
    " approved: do not accept it, and say from when it can be",
    "OVER_CAP": "超过封顶金额,请调低 / above the cap: lower the amount",
    "HEARING_REQUIRED": "调减、终止前应当听取该户意见:请在 result.hearing 记录听取的时间(at,带时区)和意见(said) /"
    " the family must be heard before a reduction or an end: record in result.hearing when (at, with its zone) and what"
    " was said",
    "PAYEE_REQUIRED": "请在 result.personal.payee 写明具结继承人的户名和账号;不付入逝者账户 / name the holder and number"
    " of the heir's account in result.personal.payee; never the dead person's",
    "CREMATION_DIFFERS": "本馆该编号的火化证明已上报,内容不同;更正请联系民政部门 / this home reported this certificate"
    " before with another content: have it corrected by the bureau",
    "OWN_ACCOUNT": "不能办理自己的账号 / nobody disables or changes their own account",
    "WEAK_SECRET": "新密码不能与旧密码相同,也不能含账号 / the new secret must be another one, without the account's name",
    "NO_ISSUER": "未设置外部身份提供方 / no outside issuer is set",
    "LINKED": "该账号或该外部身份已绑定 / this account or this subject is bound already",
    "UNIT_KIND": "机构的类别不能改变,请另设机构 / a unit never changes its kind: make another",
    "FILE_LOST": "文件在存储中已损坏,请联系管理员 / the file was damaged where it is kept: tell the operator",
}
"""What is refused as things stand, or by a rule."""

OPERATIONS: Final[Mapping[str, str]] = {
    "NOTHING_TO_MOVE": "位置已在那里 / the position is there already",
    "SKIPS_RECORDS": "前移会跳过未处理的事件;确要如此请加 --skip / going forward skips records nobody handled; say --skip"
    " if that is meant",
    "RESET_UNDER_WAY": "这个分区已有待执行的重置,由拥有它的进程执行 / a reset of this partition waits for the process that"
    " owns it",
    "ALREADY_AGREED": "这次导出已有人同意 / somebody agreed to this export already",
    "NOT_AGREED": "须先由另一名审计员同意,一天内取走 / another auditor must agree first; it is kept a day",
    "NO_HEAD": "还没有签过链头 / no head was signed yet",
    "CLOCK_NOT_VIRTUAL": "时钟不是虚拟的,请以 ONEWINDOW_CLOCK=virtual:时刻 启动 / the clock is not virtual: start with"
    " ONEWINDOW_CLOCK=virtual:ISO",
    "CLOCK_BACKWARDS": "虚拟时钟不能倒退 / the virtual clock never goes back",
    "POISON": "消息无法处理,已停放 / this message can never succeed as it is, it is parked",
    "UNPUBLISHABLE": "总线不收这条消息,已停放一旁 / the bus does not take this message, it stands aside",
    "UNDECODABLE": "无法解读,已转入死信 / these bytes are no event, they lie with the dead letters",
    "MISCONFIGURED": "设置有误 / a setting is wrong",
    "KEY_IN_USE": "密钥仍在使用 / the key is still in use",
    "NO_KEYS": "文件夹中没有密钥 / the folder holds no keys",
    "WRONG_PASSPHRASE": "口令不对,或密钥文件已损坏 / the passphrase is wrong, or the file of keys is damaged",
    "BACKUP_DAMAGED": "备份不完整或已损坏,请换一份备份 / the backup is damaged: take another one",
    "NOT_EMPTY": "目标不是空的,请换一个空的 / the target is not empty: name an empty one",
    "OTHER_BUS": "备份时用的是另一种总线 / the backup was made on another kind of bus",
    "BUS_AWAY": "备份时所用的总线没有回答 / the bus that the backup was on does not answer",
    "OTHER_DATABASES": "备份中的数据库与设置不同 / the backup holds other databases than the settings name",
    "OTHER_INSTALLATION": "这些密钥属于另一套系统 / these keys belong to another installation",
}
"""What operations, and commands on this machine, are refused for."""

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "请求 / the request": REQUEST,
    "字段 / a field": FIELDS,
    "文件 / a file": FILES,
    "规则与现状 / rules and the state of things": RULES,
    "运维与命令 / operations and commands": OPERATIONS,
}
CODES: Final[Mapping[str, str]] = {code: text for group in GROUPS.values() for code, text in group.items()}


def words(code: str) -> tuple[str, str]:
    """What a code says, in Chinese and in English; empty for one that an extension brought along."""
    zh, _, en = CODES.get(code, "").partition(" / ")
    return zh, en


MOST_NAMED: Final = 12


def named(code: str, given: object, known: Iterable[str]) -> str:
    """What a code says of a name that there is not, and which there are: all where they are few, else the nearest."""
    there, (zh, en) = sorted(set(known)), words(code)
    near = there if len(there) <= MOST_NAMED else get_close_matches(str(given)[:60], there, n=5, cutoff=0.5)
    if not near:
        return f"{zh} / {en}"
    few = len(near) == len(there)
    zh_, en_ = ("现有", "there are") if few else ("最接近的", "the nearest are")
    return f"{zh};{zh_}:{'、'.join(near)} / {en}; {en_}: {', '.join(near)}"
