//! What the playbook page says.

use super::{Text, text};

texts! {
    PLAYBOOK_IS: "品牌说的一切。草稿只有一份，大家共用；发布 30 秒后生效，不用重新部署。",
        "All that the brand says. There is one draft for everybody; a publication holds 30 s later, without a deploy.";
    SAVED: "草稿已保存。", "The draft is saved.";
    PUBLISHED: "已发布，看下面从什么时候起生效。", "Published; the list below says from when on it holds.";
    DRAFT_BY: "最近保存：", "Last saved: ";
    NO_DRAFT: "还没有草稿，下面是现在的剧本。", "There is no draft yet; this is the live playbook.";
    TEXT: "剧本（TOML）", "Playbook (TOML)";
    SAVE: "保存草稿", "Save the draft";
    CHECK: "检查", "Check";
    DIFFER: "和现在的剧本比较", "Compare with the live one";
    PUBLISH: "发布……", "Publish …";
    WHY: "为什么（可不填）", "Why (may be empty)";
    // What a check says.
    NO_PROBLEMS: "没有问题。", "No problems.";
    PROBLEMS: "问题", "Problems";
    ERROR: "错误", "Error";
    WARNING: "提醒", "Warning";
    LINE: "行", "line";
    COLUMN: "列", "column";
    AND_MORE: "还有：", "And more: ";
    // What differs.
    DIFFERENCE: "差别", "Difference";
    FROM: "从", "From";
    TO: "到", "to";
    NO_DIFFERENCE: "没有差别。", "There is no difference.";
    NO_SOURCE: "这一版发布时还没有保存原文。", "This one was published before sources were kept.";
    THE_DRAFT: "草稿", "the draft";
    BUILT_IN: "内置", "built in";
    COMPARE: "比较", "Compare";
    // Publications.
    VERSIONS: "发布过的剧本", "Publications";
    VERSIONS_ARE: "最近四次，最新的在前面；0 是部署时带来的。", "The last four, the newest first; 0 came with the deployment.";
    NUMBER: "编号", "Number";
    HOLDS_FROM: "生效时间", "Holds from";
    BY: "谁", "By";
    REASON: "为什么", "Why";
    VIEW: "查看", "View";
    ROLL_BACK: "退回到这一版……", "Roll back to this one …";
    SURE: "真的要发布吗？", "Publish this?";
    SURE_MEANS: "确认之后 30 秒生效。粉丝那时起发的消息由它回答。", "It holds 30 s after you confirm. What fans send from then on is answered by it.";
    SURE_YES: "是，发布", "Yes, publish";
    ANOTHER: "你看的时候别人发布了另一版，请再看一遍差别。", "Somebody published another one while you looked. Look at the difference once more.";
    REFUSED: "没有发布：", "Not published: ";
    BUSY: "刚才有人发布过，请一分钟后再试。", "A playbook was published within this minute. Try again in a minute.";
    // Two editors.
    MEANWHILE: "没有保存：这期间别人保存了草稿。你写的还在下面。", "Not saved: somebody else saved meanwhile. What you wrote is still below.";
    MEANWHILE_DIFFERS: "从那一份到你这一份：", "From theirs to yours:";
    OVERWRITE: "用我的覆盖", "Overwrite it with mine";
    TOO_LONG: "没有保存：草稿超过 1 MiB。", "Not saved: the draft is over 1 MiB.";
    // Trying.
    TRY: "试一试", "Try it";
    TRY_IS: "粉丝这样来，草稿怎么回答。什么都不会保存。", "What the draft answers to a fan. Nothing is stored.";
    TRY_IT: "发送", "Send";
    COMES: "来的是", "What comes in";
    SAID: "内容或菜单键", "Text or menu key";
    CHANNEL: "渠道", "Channel";
    WHO: "粉丝是", "The fan is";
    WHEN: "时间（剧本的时钟；空着就是现在）", "When (the playbook's clock; empty: now)";
    NO_MOMENT: "时间写得不对。", "That is no moment.";
    DRAFT_ANSWERS: "草稿回答", "The draft answers";
    LIVE_ANSWERS: "现在的剧本回答", "The live one answers";
    SAME_ANSWER: "现在的剧本也这样回答。", "The live one answers the same.";
    RULE: "规则", "Rule";
    BY_DEFAULT: "（默认或沉默）", "(default, or silence)";
    SILENCE: "不回答", "Nothing";
    HAND_OVER: "转人工", "Hands over to an agent";
    IMAGE: "图片", "Picture";
    VOICE: "语音", "Voice";
    VIDEO: "视频", "Video";
    MUSIC: "音乐", "Music";
    STOPS: "退订推送", "Stops pushes";
    RESUMES: "恢复推送", "Resumes pushes";
    NEW: "新粉丝", "new";
    RETURNING: "回来的", "returning";
    FOLLOWER: "已经关注", "a follower";
    // Replay.
    REPLAY: "用真实消息重放", "Replay recorded messages";
    REPLAYED: "重放的消息", "Messages replayed";
    CHANGED: "回答不同的", "Answered otherwise";
    SINCE: "最早的", "The oldest";
    NOT_ALL: "只看了最新的，还有更早的。", "These are the newest; there are older ones.";
    NONE_CHANGED: "所有消息的回答都和现在一样。", "Every message is answered as now.";
    LIVE_RULE: "现在的规则", "Live rule";
    DRAFT_RULE: "草稿的规则", "Draft's rule";
    COUNT: "次数", "Count";
    EXAMPLES: "例子", "Examples";
}

/// Kinds of messages, by their name in a playbook.
pub(in crate::console) const KINDS: [(&str, Text); 15] = [
    ("text", text("文字", "text")),
    ("image", text("图片", "picture")),
    ("voice", text("语音", "voice")),
    ("video", text("视频", "video")),
    ("shortvideo", text("小视频", "short video")),
    ("location", text("位置", "location")),
    ("link", text("链接", "link")),
    ("miniprogrampage", text("小程序卡片", "mini program page")),
    ("file", text("文件", "file")),
    ("subscribe", text("关注", "follow")),
    ("scan", text("扫码", "scan of a code")),
    ("click", text("点菜单", "click in the menu")),
    ("scancode_waitmsg", text("菜单扫码", "scan from the menu")),
    ("location_report", text("上报位置", "location report")),
    ("enter_tempsession", text("进入会话", "entry of a conversation")),
];
