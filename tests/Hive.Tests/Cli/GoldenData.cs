using System.Text.Json;
using Hive.Protocol;

namespace Hive.Tests.Cli;

/// <summary>The answers of a host with some agents: the same at every run, and ages that stay the same.</summary>
internal static class GoldenData
{
    // 31 characters, the longest that is allowed.
    private const string Longest = "documentation-writer-of-the-api";

    private static readonly string[] Work =
    [
        "adding pagination to GET /orders and its tests, then the client",
        "日本語の文書を読んでいる",
        "waiting for an answer about the lifetime of sessions",
        "",
    ];

    private static readonly string[] States =
    [
        ActivityState.Working,
        ActivityState.Idle,
        ActivityState.WaitsForYou,
        $"waits for {Longest}",
        ActivityState.Failed,
        ActivityState.RateLimited,
        ActivityState.NotConnected,
        ActivityState.NoDriver,
        ActivityState.Stopped,
        ActivityState.NeedsLogin,
        ActivityState.Compacting,
    ];

    public static object? Answer(int agents, string cmd, JsonElement request)
    {
        if (request.TryGetProperty("name", out var name) && name.GetString() == "nobody")
            return new HiveException("not_found", "agent nobody not found; hive list shows all names");
        if (request.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.Number && id.GetInt64() == 404)
            return new HiveException("not_found", $"{cmd}: 404 not found");
        return cmd switch
        {
            "list" => new { agents = Names(agents) },
            "agent_status" => new { agent_statuses = Names(agents).Select(Row) },
            "turns" => new { turns = Some(agents, 12).Select(Turn) },
            "stats" => new
            {
                window = "24h",
                unknown_models = agents > 3 ? new[] { "own-model" } : [],
                agents = Names(agents).Select(Sums),
            },
            "inbox" => new { messages = Some(agents, 3).Select(Message), unread = agents == 0 ? 0 : 2 },
            "messages" => new
            {
                cursor = "1-1",
                messages = request.TryGetProperty("before", out _) ? [] : Some(agents, 20).Select(Message),
            },
            "open_messages" => new { messages = Some(agents, 12).Select(Failed), more = agents > 3 },
            "questions" => new
            {
                questions = Some(agents, 5).Select(i => Question(i, request.TryGetProperty("all", out _))),
            },
            "pending" => new { approvals = Some(agents, 6).Select(Approval) },
            "reminders" => new { reminders = Some(agents, 7).Select(Reminder) },
            "tombstones" => new { tombstones = Some(agents, 4).Select(Tombstone) },
            "inputs" => new { meta_inputs = Some(agents, 3).Select(i => Input(i, agents)) },
            "forge_status" or "forge_sync" => new { forge = Forge(agents) },
            "logs" => new { lines = Some(agents, 3).Select(i => $"line {i} with an escape \u001b[2J") },
            "harness" => new
            {
                connected = true,
                state = "idle",
                since_at = Ago(60),
                model = "claude-sonnet",
            },
            "waiting" => new
            {
                cursor = "1-1",
                waiting = request.TryGetProperty("kind", out _) ? [] : Some(agents, 12).Select(Waiting),
            },
            "subscribe_agent_status" => new object[]
            {
                new { },
                new { agent_statuses = Names(agents).Take(2).Select((name, i) => Row(name, i + 1)) },
            },
            "agent_config" => new
            {
                name = "alice",
                deployed_sha = "0123456789ab",
                content = "driver: scripted\n",
                proposed = agents > 3 ? new { approval_id = 3 } : null,
            },
            "propose_config" or "propose_again" => new { approval_id = 3, sha = "0123456789ab" },
            "ack_messages" => new { acked = 1 },
            "revive_tombstone" => new
            {
                name = "gone",
                runtime = "sandbox",
                running = false,
            },
            "make_agent" => new
            {
                name = "made",
                runtime = "sandbox",
                running = true,
            },
            "version" => new { hive_version = "1.2.3+0123456789abcdef", sqlite_version = "3.50.4" },
            "doctor" => new { healthy = false, findings = Findings },
            "sessions" => new { sessions = Some(agents, 3).Select(Session) },
            "sessions_end" => new { ended = 2 },
            "token_rotate" => new { file = "/var/lib/hive/access-token" },
            "audit" => new { entries = Some(agents, 6).Select(Audited) },
            "open_link" => new { url = "http://127.0.0.1:7000/#login=code" },
            "send" => new { id = 12, recipient_state = "running" },
            "request_spawn" => new { id = 3 },
            "spawn" => new
            {
                name = "new",
                runtime = "sandbox",
                running = false,
            },
            "approval" => new
            {
                approval = Approval(0) with
                {
                    Status = ApprovalStatus.Approved,
                    ResolvedAt = Ago(1),
                    FetchedSha = "0123456789abcdef0123456789abcdef01234567",
                },
            },
            "workflows" => new { workflows = Some(agents, 2).Select(Workflow) },
            "workflow_load" => new
            {
                workflow = Workflow(0),
                phases_loaded = 3,
                columns_loaded = 3,
                moved = 0,
                warnings = Array.Empty<object>(),
            },
            "patterns" => new { patterns = Some(agents, 3).Select(Pattern) },
            "pattern_load" => new { pattern = Pattern(0) },
            "workflow_export" or "pattern_export" => new { name = "small", text = "name: small\n" },
            _ => GoldenPlan.Answer(agents > 0, cmd, request) ?? new { },
        };
    }

    private static readonly object[] Findings =
    [
        new
        {
            topic = "runtimes",
            name = "sandbox",
            state = "ok",
            text = "works",
        },
        new
        {
            topic = "runtimes",
            name = "podman",
            state = "failed",
            text = "the socket /run/podman/podman.sock does not answer, and podman is not installed on this machine",
            advice = "Install podman and start its socket: systemctl enable --now podman.socket",
        },
    ];

    private static IEnumerable<string> Names(int agents) =>
        Enumerable
            .Range(0, agents)
            .Select(i =>
                i switch
                {
                    0 => "manager",
                    1 => "alice",
                    2 => Longest,
                    _ => $"worker-{i}",
                }
            );

    // As many things as belong to so many agents, and at most so many.
    private static IEnumerable<int> Some(int agents, int most) => Enumerable.Range(0, Math.Min(agents, most));

    // In the middle of a unit, so that a slow test shows the same age.
    private static DateTimeOffset Ago(double seconds) => DateTimeOffset.UtcNow.AddSeconds(-seconds);

    private static DateTimeOffset Minutes(int many) => Ago((many * 60) + 30);

    private static string NameOf(int i) => Names(i + 1).Last();

    private static object Row(string name, int i) =>
        new
        {
            name,
            role = i == 0 ? "manager" : "agent",
            runtime = i % 3 == 2 ? "external" : "sandbox",
            unread = i % 4,
            delayed = i == 4 ? 1 : 0,
            parked = i == 4 ? 2 : 0,
            needs_update = i == 6,
            held = i == 1 ? "budget 3: 5.00 of 5.00 USD of agent bob are spent; raise it" : null,
            duty = i % 8 == 1 ? "worker" : null,
            capabilities = i % 8 == 1 ? new[] { "csharp", "tests" } : null,
            pending_reminders = i % 5,
            status_text = Work[i % Work.Length] is { Length: > 0 } text ? text : null,
            parts = name == "alice" ? new { egress = Refused } : null,
            missing = i == 7 ? "Claude Code (`claude`) is not on the agent's PATH; install it" : null,
            activity = new
            {
                state = States[i % States.Length],
                since_at = Minutes(i + 1),
                tool = i == 0 ? "Bash npm test" : null,
                until_at = i == 5 ? DateTimeOffset.UtcNow.AddMinutes(24.5) : (DateTimeOffset?)null,
            },
        };

    private static AgentEgress Refused =>
        new(
            4211,
            [
                new("telemetry.example.org", 443, "not listed in its agent.yaml", 4209, Minutes(2)),
                new("fd00::1", 8443, "the port is not listed in its agent.yaml", 1, Minutes(7)),
                new(
                    "inner.example.org",
                    443,
                    "it has a private address; list it under 'private' to allow that",
                    1,
                    Ago(60)
                ),
            ]
        );

    private static object Session(int i) =>
        new
        {
            id = $"0123456789a{i}",
            opened_at = Minutes(90 * (i + 1)),
            last_used_at = Minutes(5 * i),
            expires_at = new DateTimeOffset(2026, 1, 31, 23, i, 0, TimeSpan.Zero),
            current = false,
            address = i == 2 ? "fd00::1" : "127.0.0.1",
            client = i == 1 ? null : "Firefox on Linux",
        };

    private static object Audited(int i) =>
        new
        {
            id = 6 - i,
            kind = new[] { "login", "wrong_key", "session_ended", "token_rotated", "logout", "wrong_code" }[i],
            count = i == 1 ? 4210 : 1,
            first_at = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero),
            last_at = new DateTimeOffset(2026, 1, 31, 12, 0, 59 - i, TimeSpan.Zero),
            actor = new[] { "login link", null, "host socket", "access token", "0123456789a1", null }[i],
            subject = i is 0 or 2 or 4 ? "0123456789a1" : null,
            address = i is 2 ? null : "127.0.0.1",
            detail = i == 0 ? "Firefox on Linux" : null,
        };

    private static object Turn(int i) =>
        new
        {
            id = i + 1,
            agent = "alice",
            wake_from = NameOf(i % 3),
            result = i switch
            {
                1 => "failed",
                2 => "lost",
                _ => "ok",
            },
            note = i switch
            {
                1 => "the model refused: the request was too long for it, even after the conversation was compacted",
                2 => "the agent's process ended during the turn",
                _ => null,
            },
            duration_ms = 1500 * (i + 1),
            ended_at = Minutes(40 - i),
            cost_usd = i == 2 ? (double?)null : 0.25 * i,
        };

    private static object Sums(string name, int i) =>
        new
        {
            name,
            turns = 10 + i,
            failed = i % 3,
            cost_usd = 1.25 * i,
            duration_ms = 61_000 * (i + 1),
            tool_call_count = 7 * i,
            input_tokens = 900 * (i + 1),
            cache_read_input_tokens = 1_200_000 * i,
            cache_creation_input_tokens = 0,
            output_tokens = 420 * (i + 1),
            unpriced_turns = 0,
        };

    private static Message Message(int i) => EventSentence.With(Written(i));

    private static Message Written(int i) =>
        new(
            i + 1,
            i % 3 == 1 ? "system" : NameOf(i % 3),
            i % 3 == 1 ? "manager" : "operator",
            i % 3 == 1
                ? """{"event":"question_answered","id":2,"question":"Publish?","answer":"yes","answerer":"operator"}"""
                : "The report is at /shared/report.md.\nIt has three parts; please read the second one first, since …",
            new DateTimeOffset(2026, 1, 31, 12, 0, i, TimeSpan.Zero),
            [],
            DeliveredAt: i == 4 ? Ago(9) : null,
            AckedAt: i < 1 ? Ago(9) : null,
            InReplyTo: i == 2 ? 1 : null
        );

    private static Message Failed(int i) =>
        Message(i) with
        {
            To = NameOf(i),
            AckedAt = null,
            DeliveredAt = null,
            Attempts = 3,
            ParkedAt = i % 2 == 0 ? Ago(60) : null,
            NextAttemptAt = i % 2 == 0 ? null : DateTimeOffset.UtcNow.AddMinutes(4.5),
            LastError = "the turn failed: connection reset by the provider while the answer was being streamed",
        };

    private static QuestionView Question(int i, bool all) =>
        new(
            i + 1,
            NameOf(i),
            "How long shall a session live? The design says 30 days, and the law says something else.",
            [],
            ["30 days", "12 hours", "ask legal"],
            false,
            Minutes(i + 10),
            [],
            Target: i == 1 ? Longest : null,
            DeadlineAt: i == 0 ? DateTimeOffset.UtcNow.AddMinutes(24.5) : null,
            Answer: all && i > 1 ? "12 hours" : null,
            Answerer: all && i > 1 ? "operator" : null
        );

    private static readonly (string Kind, string Urgency, string Title, string? Detail)[] Kinds =
    [
        ("question", "now", "How long shall a session live? The design says 30 days.", null),
        ("approval", "now", "More memory: the type checker is killed at 2 GB in every second run", "apply_commit"),
        ("crash", "now", "ended by signal 11, three times", null),
        ("login", "now", "its tool is not logged in", null),
        ("parked", "soon", "message 7 failed three times", "connection reset by the provider"),
        ("reminder_failed", "soon", "Look whether the nightly run has ended", "the file plan.md is gone"),
        ("message", "fyi", "The report is at /shared/report.md.", "3 unread"),
        ("something_new", "fyi", "日本語の文書を読んでいる", null),
    ];

    private static object Waiting(int i)
    {
        var (kind, urgency, title, detail) = Kinds[i % Kinds.Length];
        return new
        {
            key = $"{kind}-{i + 1}",
            kind,
            id = $"{i + 1}",
            title,
            since_at = Minutes(i + 2),
            urgency,
            refs = Array.Empty<object>(),
            url = "/waiting",
            agent = NameOf(i),
            detail,
            deadline_at = i == 0 ? DateTimeOffset.UtcNow.AddMinutes(24.5) : (DateTimeOffset?)null,
        };
    }

    private static Approval Approval(int i) =>
        new(
            i + 1,
            NameOf(i),
            i % 2 == 0 ? ApprovalKind.ApplyCommit : ApprovalKind.Spawn,
            i % 2 == 0 ? "0123456789abcdef0123456789abcdef01234567" : "",
            i == 3 ? ApprovalStatus.Failed : ApprovalStatus.Pending,
            Minutes(i + 5),
            "manager",
            Description: "4 GB of memory, since the type checker is killed at 2 GB in every second run",
            Note: i == 3 ? "rolled back: the harness did not come up" : null
        );

    private static object Reminder(int i) =>
        new
        {
            id = i + 1,
            agent = NameOf(i),
            message = "Look whether the nightly run has ended, and tell the manager what came out of it",
            file_refs = Array.Empty<string>(),
            created_at = Minutes(9),
            due_at = new DateTimeOffset(2030, 1, 31, 12, 0, 0, TimeSpan.Zero),
            attempt_count = i == 2 ? 5 : 0,
            last_error = i == 2 ? "the file /agents/x/state/plan.md is gone" : null,
            file_path = i == 1 ? "/agents/alice/state/plan.md" : null,
        };

    private static object Tombstone(int i) =>
        new
        {
            name = $"{NameOf(i)[..4]}-old",
            state_bytes = 700L * (long)Math.Pow(1500, i),
            modified_at = Minutes(60 * 24 * (i + 3)),
            has_credentials = i == 1,
        };

    private static object Input(int i, int agents) =>
        new
        {
            name = $"input-{i}",
            locked_rev = "fedcba9876543210fedcba9876543210fedcba98",
            modified_at = Minutes(60 * 24 * (i + 3)),
            agents = Names(agents).Skip(1).Take(6 * i),
            url = i == 2 ? null : "https://git.example.org/company/platform/base-tools-for-agents",
        };

    private static WorkflowView Workflow(int i) =>
        new(
            Name: i == 0 ? "software_development" : "small",
            Version: i + 1,
            IsDefault: i == 0,
            Spec: new Workflow("small", HasResult: false, OnResultFound.StopAll, Phases: [], BoardColumns: []),
            LoadedBy: "operator",
            LoadedAt: Minutes(i)
        );

    private static PatternView Pattern(int i) =>
        new(
            Name: i switch
            {
                0 => "majority_vote",
                1 => "review",
                _ => "small",
            },
            Version: i + 1,
            Spec: new Pattern(
                "small",
                Parameters: i == 1
                    ? new Dictionary<string, PatternParameter>
                    {
                        ["subject"] = PatternParameter.Text,
                        ["times"] = PatternParameter.Number,
                        ["by"] = PatternParameter.List,
                    }
                    : new Dictionary<string, PatternParameter> { ["question"] = PatternParameter.Text },
                Steps: []
            ),
            LoadedAt: Minutes(i)
        );

    private static object Forge(int agents) =>
        new
        {
            mode = "http",
            state = agents == 0 ? "off" : "up",
            note = agents == 0 ? "set the option Forge:Url to use one" : null,
            url = "https://git.example.org",
            accounts = Names(agents).Skip(1).Select(name => new { agent = name, has_token = name != "alice" }),
            repositories = Names(agents)
                .Skip(1)
                .Select(
                    (name, i) =>
                        new
                        {
                            name = $"agents/{name}",
                            agent = name,
                            behind = i == 0,
                            attempts = i == 0 ? 4 : 0,
                            head = "0123456789ab",
                            pushed_at = i == 0 ? (DateTimeOffset?)null : Minutes(3),
                            error = i == 0
                                ? "the forge refused the push: protected branch main cannot be forced"
                                : null,
                        }
                ),
        };
}
