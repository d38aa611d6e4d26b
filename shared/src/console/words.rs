//! What pages say, in both languages side by side: a text that lacks one does not compile.
//!
//! Reports name their columns and some of their cells in English words that stay the same, because programs read them too. Pages
//! translate these by [`column()`] and [`phrase`]; a test holds every report against both.

use std::borrow::Cow;

/// What a page speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Chinese, unless somebody asks for something else.
    #[default]
    Zh,
    /// English.
    En,
}

impl Language {
    /// As `lang` in an address and in the cookie has it.
    pub fn of_code(code: &str) -> Option<Self> {
        match code {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The other way round.
    pub fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// As HTML has it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }

    /// What a browser likes best of the two, by its `Accept-Language` (RFC 9110, 12.5.4); none where it names neither.
    pub fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        for range in header.split(',').take(RANGES_MAX) {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let language = match tag.split('-').next().unwrap_or_default() {
                primary if primary.eq_ignore_ascii_case("zh") => Self::Zh,
                primary if primary.eq_ignore_ascii_case("en") => Self::En,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
            let weight = (weight.unwrap_or(0.0).clamp(0.0, 1.0) * 1_000.0) as u16;
            if weight > best.map_or(0, |(best, _)| best) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// Ranges of an `Accept-Language` that are looked at.
const RANGES_MAX: usize = 32;

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text {
    zh: &'static str,
    en: &'static str,
}

impl Text {
    /// In one of them.
    pub(super) fn of(self, language: Language) -> &'static str {
        match language {
            Language::Zh => self.zh,
            Language::En => self.en,
        }
    }
}

const fn text(zh: &'static str, en: &'static str) -> Text {
    Text { zh, en }
}

macro_rules! texts {
    ($($name:ident: $zh:literal, $en:literal;)*) => {
        $(pub(in crate::console) const $name: Text = text($zh, $en);)*
        #[cfg(test)]
        pub(in crate::console) const ALL: &[Text] = &[$($name),*];
    };
}

pub(super) mod playbook;

texts! {
    // The frame.
    BRAND: "关系", "Guanxi";
    TO_CONTENT: "跳到内容", "Skip to content";
    MENU: "页面", "Pages";
    OTHER_LANGUAGE: "English", "中文";
    LOG_OUT: "退出", "Log out";
    AS_CSV: "下载 CSV", "Download CSV";
    WITHOUT: "有损坏的记录没有算进去：", "Not counted, because it is damaged: ";
    // Log-in.
    LOG_IN: "登录", "Log in";
    TOKEN: "控制台令牌", "Console token";
    NAME: "名字（可不填，保存和发布时记下）", "Your name (may be empty; kept with what you save and publish)";
    TOKEN_IS: "就是部署时设置的 console_token。换掉它，所有人都要重新登录。", "The console_token of the deployment. To change it ends every session.";
    WRONG_TOKEN: "令牌不对，请再试。", "That is not the token. Try again.";
    TOO_MANY: "现在试错的人太多，请稍后再试。", "Too many wrong tokens at once. Try again later.";
    // Errors.
    NOT_FOUND: "没有这个页面", "There is no such page";
    NOT_FOUND_HELP: "从上面的菜单里选一个。", "Choose one from the menu.";
    WRONG_ADDRESS: "地址里有一个值不对", "A value in the address is wrong";
    STALE_FORM: "这个表单过期了", "This form is no longer good";
    STALE_FORM_HELP: "请打开页面再做一次，什么都没有改变。", "Open the page and do it again; nothing was changed.";
    NO_ANSWER: "存储没有回答", "The store does not answer";
    NO_ANSWER_HELP: "请稍后再试。", "Try again in a moment.";
    // Pages.
    OVERVIEW: "总览", "Overview";
    CHANNELS: "渠道", "Channels";
    PUSHES: "提醒与活动", "Reminders and campaigns";
    QUESTIONS: "问答", "Questions";
    PLAYBOOK: "剧本", "Playbook";
    FAN: "粉丝", "Fan";
    ACCOUNT: "配额与运行", "Account";
    // Choices.
    PERIOD: "时间", "Period";
    LAST_7: "最近 7 天", "Last 7 days";
    LAST_30: "最近 30 天", "Last 30 days";
    LAST_90: "最近 90 天", "Last 90 days";
    FIND: "查找", "Find";
    GROUP: "分组", "Group";
    ALL_GROUPS: "全部分组", "All groups";
    SHOW: "显示", "Show";
    SORT_BY: "排序：", "Sort by ";
    // Overview.
    FOLLOWERS_NOW: "现有粉丝", "Followers now";
    BACKLOG_NOW: "等待处理的日志", "Journal streams not opened yet";
    ALARMS: "警报", "Alarms";
    COMPARED: "和更早的同样多天相比。今天还没有过完。", "Compared with as many days earlier. Today is not over yet.";
    COMPARISON: "比较", "Compared with";
    DAYS_BEFORE: "前一段时间", "The days before";
    SAME_WEEKDAYS: "同样的星期", "The same weekdays";
    LAST_YEAR: "去年", "Last year";
    BY_DAY: "按天", "By day";
    PUBLICATION: "剧本", "Playbook";
    DASHED: "虚线是更早的那段时间", "dashed: the earlier days";
    POINTS: "个百分点", " points";
    NOTHING_YET: "还没有任何消息。在微信公众平台把服务器地址设为 https://你的域名/wechat，然后关注公众号、发一句话。",
        "Nothing has come in yet. Set the server URL in WeChat's console to https://your.host/wechat, follow the account and write to it.";
    NO_ORDERS: "还没有订单。请让商城把订单发到 /orders（Standard Webhooks 签名）：", "No orders yet. Connect your shop, which posts to /orders, signed by Standard Webhooks:";
    // Channels.
    CHANNELS_ARE: "这些天里每个渠道码带来了什么。“还在”和“买过”看的是这些天关注的人到现在怎样。",
        "What each code brought in these days. Still here and bought say what has become, up to now, of those who followed in them.";
    NO_CHANNELS: "这些天没有任何渠道。给每个包装、海报、门店做一个带参数的二维码，把参数写进剧本的 [[channels]]。",
        "No channel in these days. Make a QR code with a scene for each package, poster and shop, and list the scenes as [[channels]] in the playbook.";
    NO_MATCH: "没有符合条件的行。", "No row matches.";
    TRENDS: "走势", "Trends";
    TRENDS_ARE: "各渠道每天新增的粉丝，刻度相同；先列带来粉丝最多的。", "New fans of each channel by day, all on one scale; first those that brought most.";
    PATHS: "从首次触点到末次触点", "From the first touch to the last";
    PATHS_ARE: "这些天的订单：下单前的时间窗里，粉丝从哪个渠道来（左），最后经过哪个渠道（右）。",
        "The orders of these days: through which channel the fan came within the window before (left), and through which last (right).";
    FUNNEL: "漏斗", "Funnel";
    FUNNEL_IS: "从扫码到再次购买。", "From scan to the second purchase.";
    WELCOME: "从欢迎到购买", "From the welcome to the purchase";
    WELCOME_IS: "这些天第一次关注的人：收到欢迎语、用过菜单、买过的各有多少。前两个数从本版本起统计。", "Of those who first followed in these days: how many were welcomed, used the menu, and bought. The first two are counted from this version on.";
    RETENTION: "留存", "Retention";
    RETENTION_IS: "最近几周第一次关注的人，过了几周还关注着的比例。", "Of those who first followed in the last weeks: the part that still follows so many weeks later.";
    NO_RETENTION: "最近几周没有人从这个渠道第一次关注。", "Nobody first followed through this channel in the last weeks.";
    SCAN_HOURS: "什么时候扫码", "When the code is scanned";
    SCAN_HOURS_ARE: "最近 14 天的扫码，按星期和钟点。", "Scans of the last 14 days, by weekday and hour.";
    NEW_BY_DAY: "每天的新粉丝", "New fans by day";
    // Pushes.
    BECAME: "发得怎样", "What became of them";
    WHY_NOT: "为什么没发", "Why they were skipped";
    BROUGHT: "带来了什么", "What they brought";
    BROUGHT_IS: "和抽签不发的人相比，只算观察期已经结束的天。区间是 95%。", "Beside those who by a draw got nothing; only days whose outcome window is over. The interval is 95 %.";
    UPLIFT: "每 1000 人多买的人，和 95% 的区间", "More buyers in 1,000 fans, with the 95 % interval";
    NO_PUSHES: "这些天没有提醒也没有活动。在剧本的商品里写 [products.reminder]，或者在“营销活动”页面写一个活动。",
        "No reminders or campaigns in these days. Write [products.reminder] for a product in the playbook, or write a campaign on the page Campaigns.";
    // Questions.
    UNANSWERED: "没人回答的问题", "What nobody answered";
    UNANSWERED_IS: "至少三位粉丝问过、没有规则回答的话，数字被遮住。", "What at least three fans asked and no rule answered; digits are masked.";
    NO_QUESTIONS: "没有。三位不同的粉丝问了同样的话而没有规则回答，就会出现在这里。", "None. What three different fans ask and no rule answers shows up here.";
    RULES: "规则命中", "Hits of rules";
    RULES_ARE: "最近 30 天每条规则回答了多少次。", "How often each rule answered in the last 30 days.";
    NO_RULES: "剧本里还没有规则。", "The playbook has no rules yet.";
    STALE: "没用上的规则", "Stale rules";
    STALE_IS: "30 天没有命中的规则。", "Rules without a hit in 30 days.";
    NO_STALE: "没有，每条规则最近 30 天都用上了。", "None: every rule was hit within 30 days.";
    HOURS: "粉丝什么时候写消息", "When fans write";
    HOURS_IS: "最近 14 天，按星期和钟点。", "The last 14 days, by weekday and hour.";
    PEOPLE: "找人工", "Asking for a person";
    PEOPLE_ARE: "最近 30 天转给客服的粉丝，按星期和钟点：多少人在 15 分钟内被接起，多少人在营业时间外找人。", "Fans handed over to agents in the last 30 days, by weekday and hour: how many were taken over within 15 minutes, and how many asked outside hours.";
    NO_PEOPLE: "没有。规则把粉丝转给客服，或者用 request = \"person\" 记下要找人的粉丝，就会出现在这里。", "None. Fans show up here whom a rule hands over to agents, or who want a person by a rule with request = \"person\".";
    // Fan.
    FAN_FORM: "输入粉丝的 openid，看发生过什么。", "Enter a fan's openid to see what happened.";
    OPENID: "openid", "openid";
    NO_FAN: "没有这位粉丝，或者已经被忘记。", "No such fan is known, or it was forgotten.";
    NOT_AN_OPENID: "openid 由 1 到 64 个字母、数字、_、- 组成。", "An openid has 1 to 64 letters, digits, _ and -.";
    TIMELINE: "时间线", "Timeline";
    ERASE: "忘记这位粉丝", "Forget this fan";
    ERASE_SURE: "真的要忘记这位粉丝吗？", "Forget this fan for good?";
    ERASE_MEANS: "下一次汇总时，关于此人的记录会被删除，不能恢复；统计数字不变。",
        "At the next rollup what is stored of this person goes and cannot be had back; the counts stay.";
    ERASE_YES: "是，忘记", "Yes, forget";
    CANCEL: "不，返回", "No, go back";
    ERASED: "已记下：下一次汇总时忘记这位粉丝。", "Noted: this fan is forgotten at the next rollup.";
    // Account.
    ACCOUNT_IS: "公众号在微信那里的情况：令牌、配额、暂停、警报和最近的运行。", "How the account stands with WeChat: token, quotas, pauses, alarms and the last runs.";
    // Campaigns.
    CAMPAIGNS: "营销活动", "Campaigns";
    CAMPAIGNS_ARE: "一次性发给一部分粉丝的活动，包括剧本里已经开始的。完成的是已经知道结果的。",
        "One-off pushes to a part of the fans, those of the playbook too once they began. Done are those of which is known what became of them.";
    NO_CAMPAIGNS: "还没有活动。点上面的“写一个活动”：先检查，再试算，最后确认发送。",
        "No campaigns yet. Follow the link above: write one, have it checked, try it, and confirm it.";
    CAMPAIGN_ASKED: "已记下，下一次推送任务会接手：", "Noted, and the next run of push takes it up: ";
    CAMPAIGN_STOPPED: "已记下，不会再发出：", "Noted, and nothing more of it leaves: ";
    NOTHING_TO_STOP: "没有什么可以停的了：", "There is nothing left to stop: ";
    REFRESHES: "有活动正在进行，本页每 5 秒自动刷新。", "A campaign is at work: this page is loaded again every 5 seconds.";
    STANDS_STILL: "有活动正在进行，本页不会自动刷新。", "A campaign is at work, and this page stands still.";
    REFRESH: "自动刷新", "Load it again by itself";
    STAND_STILL: "不要刷新", "Let it stand still";
    STOP: "停止：", "Stop: ";
    STOP_SURE: "真的要停止这个活动吗？", "Stop this campaign for good? ";
    STOP_MEANS: "已经发出的收不回来；还没发的不再发，记为“活动停了”。停了不能恢复，同一个 id 也不能再用。",
        "What has left cannot be had back; what has not does not go out, and counts as stopped. It cannot be begun again, nor under the same id.";
    STOP_YES: "是，停止", "Yes, stop it";
    TO_CAMPAIGNS: "所有活动", "All campaigns";
    WRITE_CAMPAIGN: "写一个活动", "Write a campaign";
    WRITE_IS: "和剧本里一个 [[campaigns]] 的字段一样。检查和试算不会存下任何东西，也不会发出任何东西。",
        "The keys of one [[campaigns]] of the playbook. To check and to try it stores nothing and sends nothing.";
    CAMPAIGN_TEXT: "活动（TOML）", "The campaign, as TOML";
    CHECK: "检查", "Check";
    TRY: "试算", "Try";
    TRY_ON: "从下一批粉丝继续试算", "Try the next fans";
    SEND: "发送…", "Send …";
    PROBLEMS: "检查没有通过，位置是 行:列。", "The check refuses it; places are line:column.";
    CHECKED: "检查通过。", "The check takes it.";
    ID_TAKEN: "这个 id 已经被用了，请换一个。", "That id is taken; give this campaign one of its own.";
    NOT_ACCEPTED: "没有被接受。", "It is not accepted.";
    TOO_MANY_CAMPAIGNS: "等待的活动太多了，等其中一个计划完再来。", "Too many campaigns wait; come back when one of them is planned.";
    CAMPAIGN_TOO_LONG: "超过 64 KiB，太长了。", "It is longer than the 64 KiB that there may be.";
    TRIED: "试算", "What it would do";
    TRIED_IS: "按现在的情况，谁会收到、怎么收到、谁不会、为什么。", "As things stand now: who would get it, how, who not and why.";
    TRIED_FROM: "从粉丝名单的这个位置起：", "From this position of the list of fans on: ";
    NOT_ALL_FANS: "时间不够看完所有粉丝，数字只是其中一部分。", "There was no time to look at every fan: these numbers are of a part of them.";
    SUMMARY: "要发的内容", "What is to be sent";
    TO_WHOM: "给谁", "To whom";
    TO_ALL: "所有粉丝", "every fan";
    AT_ONCE: "马上，下一次推送任务", "at once, with the next run of push";
    HOLDOUT_PERCENT: "抽签不发的比例", "Holdout, in percent";
    TOTALS: "总数", "Totals";
    BY_WAY: "按发送方式", "By way";
    FAN_BY_FAN: "逐个粉丝", "Fan by fan";
    SEND_SURE: "真的要发送吗？", "Send this?";
    SEND_MEANS: "下面就是要发的内容，发出后收不回来。", "This is what goes out, and cannot be had back.";
    SEND_YES: "是，发送", "Yes, send it";
    SEND_NO: "不，接着改", "No, go on writing";
    NOTE_ID: "给它一个自己的 id：a-z、0-9、_、-", "an id of its own, of a-z 0-9 _ -";
    NOTE_AT: "什么时候开始，按剧本的时区；也可以写 \"now\"", "when it begins, by the playbook's clock; or \"now\"";
    NOTE_SEGMENT: "给谁：channels、tags、products、followed、bought、contact；{} 是所有粉丝", "to whom: channels, tags, products, followed, bought, contact; {} is every fan";
    NOTE_HOLDOUT: "抽签不发的百分比，用来看效果", "percent of them who by a draw get nothing, so that its effect can be told";
    NOTE_WAY: "怎么发：\"notice\"、\"message\"、\"template\"，能到达粉丝的第一种", "how: \"notice\", \"message\", \"template\"; the first that reaches the fan";
    EXAMPLE_TEXT: "{name}：这里写给粉丝的话。不想再收到，回复「退订」。", "{name}: what the fan shall read.";
}

/// Columns of reports and of the console's own tables.
const COLUMNS: &[(&str, Text)] = &[
    ("period", text("时间", "Period")),
    ("metric", text("指标", "Metric")),
    ("value", text("这段时间", "This period")),
    ("before", text("之前", "Before")),
    ("change", text("变化", "Change")),
    ("followers", text("粉丝", "Followers")),
    ("new", text("新关注", "New")),
    ("returning", text("回来", "Returning")),
    ("lost", text("取关", "Lost")),
    ("net", text("净增", "Net")),
    ("scans", text("扫码", "Scans")),
    ("scanning_people", text("扫码人数", "People who scanned")),
    ("messages", text("消息", "Messages")),
    ("unanswered", text("没回答", "Unanswered")),
    ("answered_share", text("回答率", "Answered")),
    ("menu_clicks", text("菜单点击", "Menu clicks")),
    ("buyers", text("新买家", "First-time buyers")),
    ("orders", text("订单", "Orders")),
    ("repurchases", text("复购", "Repurchases")),
    ("revenue", text("收入", "Revenue")),
    ("refunds", text("退款", "Refunds")),
    ("answer_ms_median", text("回答毫秒，中位", "Answer in ms, median")),
    ("answer_ms_p99", text("回答毫秒，99%", "Answer in ms, 99 %")),
    ("backlog", text("积压", "Backlog")),
    ("from", text("日期", "From")),
    ("channel", text("渠道", "Channel")),
    ("name", text("名称", "Name")),
    ("group", text("分组", "Group")),
    ("still_here", text("还在", "Still here")),
    ("still_here_share", text("还在 %", "Still here, share")),
    ("bought", text("买过", "Bought")),
    ("welcomed", text("收到欢迎语", "Welcomed")),
    ("used_menu", text("用过菜单", "Used menu")),
    ("bought_share", text("买过 %", "Bought, share")),
    ("bought_again", text("再买", "Bought again")),
    ("bought_again_share", text("再买 %", "Bought again, share")),
    ("first_touch", text("首次触点", "First touch")),
    ("last_touch", text("末次触点", "Last touch")),
    ("revenue_first_touch", text("收入（首次触点）", "Revenue, first touch")),
    ("revenue_last_touch", text("收入（末次触点）", "Revenue, last touch")),
    ("cost", text("花费", "Cost")),
    ("cost_per_fan", text("每位新粉花费", "Cost per new fan")),
    ("valid_from", text("开始", "Valid from")),
    ("valid_until", text("结束", "Valid until")),
    ("week_of", text("关注那一周", "Week of follow")),
    ("joined", text("关注人数", "Joined")),
    ("question", text("问题", "Question")),
    ("count", text("次数", "Count")),
    ("last", text("最近", "Last")),
    ("rule", text("规则", "Rule")),
    ("hits", text("命中", "Hits")),
    ("last_hit", text("最近命中", "Last hit")),
    ("hour", text("钟点", "Hour")),
    ("handed_over", text("转给客服", "Handed over")),
    ("taken_over", text("已接起", "Taken over")),
    ("within_15", text("15 分钟内接起", "Within 15 minutes")),
    ("within_15_share", text("15 分钟内 %", "Within 15 minutes, share")),
    ("minutes_median", text("等待分钟（中位数）", "Minutes waited, median")),
    ("minutes_mean", text("等待分钟（平均）", "Minutes waited, mean")),
    ("asked_outside", text("营业时间外找人", "Asked outside hours")),
    ("sessions", text("会话", "Sessions")),
    ("sessions_closed", text("会话结束", "Sessions closed")),
    ("sessions_switched", text("会话转接", "Sessions passed on")),
    ("series", text("系列", "Series")),
    ("planned", text("计划", "Planned")),
    ("waiting", text("等待", "Waiting")),
    ("sent", text("已发", "Sent")),
    ("delivered", text("送达", "Delivered")),
    ("refused", text("被拒", "Refused")),
    ("unknown", text("不明", "Unknown")),
    ("skipped_late", text("发出后才知道不该发", "Skipped late")),
    ("skipped_unsubscribed", text("已取关", "Unsubscribed")),
    ("skipped_opted_out", text("已退订", "Opted out")),
    ("skipped_bought_since", text("已经买了", "Bought since")),
    ("skipped_capped", text("到了上限", "Capped")),
    ("skipped_quiet_hours", text("安静时段", "Quiet hours")),
    ("skipped_holdout", text("抽签不发", "Holdout")),
    ("skipped_over_quota", text("配额不够", "Over quota")),
    ("skipped_invalid_template", text("模板无效", "Invalid template")),
    ("skipped_no_window", text("微信不许发", "No window")),
    ("skipped_unreadable", text("记录读不了", "Unreadable")),
    ("skipped_stopped", text("活动停了", "Stopped")),
    ("unmatched", text("对不上", "Unmatched")),
    ("treated", text("发了的人", "Treated")),
    ("treated_bought", text("其中买了", "Treated who bought")),
    ("holdout", text("没发的人", "Holdout")),
    ("holdout_bought", text("没发的人里买了", "Holdout who bought")),
    ("revenue_per_1000_fans", text("每 1000 人多收入", "More revenue per 1,000 fans")),
    ("effect", text("效果", "Effect")),
    ("publication", text("剧本", "Playbook")),
    ("about", text("关于", "About")),
    ("since", text("从", "Since")),
    ("until", text("到", "Until")),
    ("seconds", text("秒", "Seconds")),
    ("left", text("剩下 / 次数", "Left, or times")),
    ("of", text("总共", "Of")),
    ("says", text("说明", "Says")),
    ("time", text("时间", "Time")),
    ("what", text("什么", "What")),
    ("detail", text("详情", "Detail")),
    ("weekday", text("星期", "Weekday")),
    ("pushes_sent", text("推送已发", "Pushes sent")),
    ("pushes_delivered", text("推送送达", "Pushes delivered")),
    // Campaigns.
    ("campaign", text("活动", "Campaign")),
    ("at", text("开始", "Begins")),
    ("state", text("状态", "State")),
    ("fans", text("看过的粉丝", "Fans looked at")),
    ("queued", text("要发", "Queued")),
    ("done", text("完成", "Done")),
    ("done_share", text("完成 %", "Done, share")),
    ("outside", text("不在范围里", "Outside")),
    ("gets", text("会收到", "Would get it")),
    ("gets_at", text("大约什么时候", "When, about")),
    ("way", text("方式", "Way")),
    ("quota_left", text("今天剩下的配额", "Left of today's quota")),
    ("takes_seconds", text("要多少秒", "Seconds it takes")),
    ("reason", text("为什么不发", "Why not")),
    ("openid", text("粉丝", "Fan's openid")),
    ("template", text("模板消息", "template message")),
    ("notice", text("订阅通知", "notice")),
    ("message", text("客服消息", "customer message")),
    ("had_it_already", text("已经收到过", "Had it already")),
];

/// The name of a column, if it is one.
pub(super) fn column_named(name: &str) -> Option<&'static str> {
    COLUMNS.iter().map(|(column, _)| *column).find(|column| *column == name)
}

/// The heading of a column; as the report names it where there is no word for it.
pub(super) fn column(name: &str, language: Language) -> Cow<'_, str> {
    if name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(name);
    }
    match COLUMNS.iter().find(|(column, _)| *column == name) {
        Some((_, text)) => Cow::Borrowed(text.of(language)),
        None => phrase(name, language),
    }
}

/// What cells say in words that are ours: the pattern in the report, then both languages. `{}` is taken over, `{w}` translated.
const PHRASES: &[(&str, Text)] = &[
    ("after_{}_weeks", text("{} 周后", "After {} weeks")),
    ("(all)", text("（合计）", "(all)")),
    ("(direct)", text("（没有渠道码）", "(no code)")),
    ("(other)", text("（其他）", "(other)")),
    ("(unmatched)", text("（对不上的）", "(unmatched)")),
    // Effects.
    ("not enough data", text("数据还不够", "not enough yet")),
    ("{w}, perhaps no effect", text("{}，也许没有效果", "{}, perhaps no effect")),
    ("{w} in 1,000 fans (from {w} to {w})", text("每 1000 人{}（从{}到{}）", "{} in 1,000 fans (from {} to {})")),
    ("{} more", text("多 {}", "{} more")),
    ("{} fewer", text("少 {}", "{} fewer")),
    // How the account stands.
    ("token", text("令牌", "token")),
    ("none was needed yet", text("还没有用到", "none was needed yet")),
    ("over: the next call fetches another", text("已过期，下次调用会换新的", "over: the next call fetches another")),
    ("in use", text("使用中", "in use")),
    ("template messages", text("模板消息", "template messages")),
    ("notices", text("订阅通知", "notices")),
    ("customer messages", text("客服消息", "customer messages")),
    ("quota: {w}", text("配额：{}", "quota: {}")),
    ("pause: {w}", text("暂停：{}", "pause: {}")),
    ("alarm: {w}", text("警报：{}", "alarm: {}")),
    ("damaged: {}", text("损坏：{}", "damaged: {}")),
    ("WeChat sets no pace", text("微信不限速度", "WeChat sets no pace")),
    ("at most {} in {} s", text("每 {1} 秒最多 {0} 次", "at most {} in {} s")),
    (
        "set aside; /damaged shows, repairs and drops it",
        text("已搁置；/damaged 可以查看、修复、丢弃", "set aside; /damaged shows, repairs and drops it"),
    ),
    ("last run of push", text("最近一次推送运行", "last run of push")),
    ("last run of rollup", text("最近一次汇总运行", "last run of rollup")),
    ("entries {}, damaged {}", text("记录 {}，损坏 {}", "entries {}, damaged {}")),
    ("failed: {}", text("失败：{}", "failed: {}")),
    ("stopped sending: {}", text("停止发送：{}", "stopped sending: {}")),
    ("sent {}, refused {}, unknown {}", text("已发 {}，被拒 {}，不明 {}", "sent {}, refused {}, unknown {}")),
    // A fan's timeline.
    ("followed", text("关注", "followed")),
    ("unfollowed", text("取关", "unfollowed")),
    ("followed before our time", text("在安装之前关注", "followed before our time")),
    ("touch", text("触点", "touch")),
    ("known since", text("第一次见到", "known since")),
    ("last message", text("最近一次消息", "last message")),
    ("last click", text("最近一次点菜单", "last click")),
    ("last scan", text("最近一次扫码", "last scan")),
    ("opted out", text("退订", "opted out")),
    ("asked for", text("提出的需求", "asked for")),
    ("last bought", text("最近一次购买", "last bought")),
    ("saved", text("保存的资料", "saved")),
    ("push", text("推送", "push")),
    ("erased", text("被忘记", "erased")),
    ("tag", text("标签", "tag")),
    ("may get notices", text("还可发的订阅通知", "may get notices")),
    ("{}: {} times, {} pieces, {} yuan", text("{}：{} 次，{} 件，{} 元", "{}: {} times, {} pieces, {} yuan")),
    ("{w}, bought since", text("{}，之后买了", "{}, bought since")),
    ("Mon", text("周一", "Mon")),
    ("Tue", text("周二", "Tue")),
    ("Wed", text("周三", "Wed")),
    ("Thu", text("周四", "Thu")),
    ("Fri", text("周五", "Fri")),
    ("Sat", text("周六", "Sat")),
    ("Sun", text("周日", "Sun")),
    ("skipped", text("没发", "skipped")),
    // How far campaigns are.
    ("waits for the next run", text("等下一次推送任务", "waits for the next run")),
    ("waits for its time", text("等时间到", "waits for its time")),
    ("being planned", text("正在计划", "being planned")),
    ("going out", text("正在发", "going out")),
    ("being stopped", text("正在停", "being stopped")),
    ("stopped", text("停了", "stopped")),
    ("over", text("结束了", "over")),
];

/// How deep phrases stand in each other.
const DEPTH_MAX: usize = 4;

/// A cell's words in a language; what is none of our phrases stays as it is.
pub(super) fn phrase(words: &str, language: Language) -> Cow<'_, str> {
    inner(words, language, DEPTH_MAX)
}

fn inner(words: &str, language: Language, depth: usize) -> Cow<'_, str> {
    if depth == 0 {
        return Cow::Borrowed(words);
    }
    for (pattern, text) in PHRASES {
        if let Some(taken) = taken(pattern, words) {
            let say = |(words, translate)| match translate {
                true => known(words, language).unwrap_or_else(|| inner(words, language, depth - 1)),
                false => Cow::Borrowed(words),
            };
            return Cow::Owned(filled(text.of(language), &taken.into_iter().map(say).collect::<Vec<_>>()));
        }
    }
    Cow::Borrowed(words)
}

/// The word of a column, for what became of a push: `quiet_hours`, `sent`.
fn known(words: &str, language: Language) -> Option<Cow<'_, str>> {
    let text = |name: &str| COLUMNS.iter().find(|(column, _)| *column == name).map(|(_, text)| text.of(language));
    text(&format!("skipped_{words}")).or_else(|| text(words)).map(Cow::Borrowed)
}

/// A push in a timeline, `<series>: <what became of it>`.
pub(super) fn fate(words: &str, language: Language) -> Cow<'_, str> {
    let Some((series, fate)) = words.rsplit_once(": ") else { return Cow::Borrowed(words) };
    let said = known(fate, language).unwrap_or_else(|| phrase(fate, language));
    Cow::Owned(format!("{series}: {said}"))
}

/// What stands at the places of a pattern, in order, and whether it is translated. None where the words do not fit.
fn taken<'w>(pattern: &str, words: &'w str) -> Option<Vec<(&'w str, bool)>> {
    let (mut pattern, mut words, mut taken) = (pattern, words, Vec::new());
    loop {
        let Some(place) = pattern.find('{') else { return (pattern == words).then_some(taken) };
        let (literal, rest) = pattern.split_at(place);
        words = words.strip_prefix(literal)?;
        let (name, after) = rest.split_once('}')?;
        let next = after.find('{').map_or(after, |end| after.split_at(end).0);
        let end = if next.is_empty() { words.len() } else { words.find(next)? };
        let (word, left) = words.split_at_checked(end)?;
        taken.push((word, name == "{w"));
        (pattern, words) = (after, left);
    }
}

/// A pattern with its places filled: `{}` the next, `{1}` the second.
fn filled(pattern: &str, words: &[Cow<'_, str>]) -> String {
    let (mut out, mut rest, mut next) = (String::new(), pattern, 0);
    while let Some((literal, (name, after))) =
        rest.split_once('{').and_then(|(literal, rest)| Some((literal, rest.split_once('}')?)))
    {
        out.push_str(literal);
        let at = name.parse().unwrap_or(next);
        next += 1;
        out.push_str(words.get(at).map_or("", |word| word));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
    }

    #[test]
    fn every_text_is_in_its_language_and_none_is_there_twice() {
        let named = COLUMNS.iter().chain(PHRASES).map(|(_, text)| text);
        let page = playbook::ALL.iter().chain(playbook::KINDS.iter().map(|(_, text)| text));
        for text in ALL.iter().chain(page).chain(named).filter(|text| ![OTHER_LANGUAGE, OPENID].contains(text)) {
            assert!(is_chinese(text.zh) && !is_chinese(text.en) && !text.en.is_empty(), "{text:?}");
        }
        for list in [COLUMNS, PHRASES] {
            for (at, (name, _)) in list.iter().enumerate() {
                assert!(list.iter().skip(at + 1).all(|(other, _)| other != name), "{name}");
            }
        }
        for (pattern, text) in PHRASES {
            let places = |text: &str| text.matches('{').count();
            assert_eq!((places(text.zh), places(text.en)), (places(pattern), places(pattern)), "{pattern}");
        }
    }

    #[test]
    fn words_of_reports_are_said_in_both_languages() {
        for (words, zh, en) in [
            ("after_3_weeks", "3 周后", "After 3 weeks"),
            ("not enough data", "数据还不够", "not enough yet"),
            (
                "120 more in 1,000 fans (from 73 fewer to 301 more), perhaps no effect",
                "每 1000 人多 120（从少 73到多 301），也许没有效果",
                "120 more in 1,000 fans (from 73 fewer to 301 more), perhaps no effect",
            ),
            ("quota: template messages", "配额：模板消息", "quota: template messages"),
            ("pause: customer messages", "暂停：客服消息", "pause: customer messages"),
            ("at most 98 in 60 s", "每 60 秒最多 98 次", "at most 98 in 60 s"),
            ("alarm: template x", "警报：template x", "alarm: template x"),
            ("sent 1, refused 2, unknown 3", "已发 1，被拒 2，不明 3", "sent 1, refused 2, unknown 3"),
            ("a: b: 3 times, 4 pieces, 5.00 yuan", "a：b: 3 次，4 件，5.00 元", "a: b: 3 times, 4 pieces, 5.00 yuan"),
            ("whatever {} {w} {1}", "whatever {} {w} {1}", "whatever {} {w} {1}"),
            ("", "", ""),
        ] {
            assert_eq!((&*phrase(words, Language::Zh), &*phrase(words, Language::En)), (zh, en), "{words}");
        }
        for (words, zh) in [
            ("reminder:a: b: quiet_hours", "reminder:a: b: 安静时段"),
            ("campaign:x: delivered, bought since", "campaign:x: 送达，之后买了"),
            ("reminder:food: holdout", "reminder:food: 抽签不发"),
            ("no push at all", "no push at all"),
        ] {
            assert_eq!(fate(words, Language::Zh), zh, "{words}");
        }
    }

    #[test]
    fn a_browser_gets_the_language_that_it_likes_best() {
        for (header, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Some(Language::Zh)),
            ("en-GB,en;q=0.9", Some(Language::En)),
            ("de, en;q=0.5, ZH-Hant;q=0.7", Some(Language::Zh)),
            ("en;q=0, zh;q=0", None),
            ("en;q=x, fr", None),
            ("english", None),
            ("*", None),
            ("", None),
            ("zh;q=0.5,en;q=2", Some(Language::En)),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }
}
