using System.Text.Json;
using Hive.Protocol;

namespace Hive.Tests.Cli;

/// <summary>The answers of a host with tickets, tasks and gates, for the verbs of the planning half. Their instants are
/// counted from the moment of the answer, so that ages stay the same however long a test takes.</summary>
internal static class GoldenPlan
{
    private const string Requirements = "PHASE_REQUIREMENTS";
    private const string Implementation = "PHASE_IMPLEMENTATION";

    // Of each column: its id, name, phases, limit, and whether it ends a ticket's way.
    private static readonly (string Id, string Name, string[] Phases, int? Limit, bool Terminal)[] Columns =
    [
        ("backlog", "Backlog", ["PHASE_BACKLOG"], null, false),
        ("analyzing", "Analyzing", [Requirements, "PHASE_DESIGN"], 5, false),
        ("building", "Building", [Implementation], 2, false),
        ("testing", "Testing", ["PHASE_TESTING"], 1, false),
        ("done", "Done", ["PHASE_DONE"], null, true),
        ("blocked", "Blocked", ["PHASE_BLOCKED"], null, true),
    ];

    /// <summary>The answer to a command of the planning half; null for another command.</summary>
    /// <param name="many">True for a board with tickets, false for an empty one.</param>
    /// <param name="cmd">The command.</param>
    /// <param name="request">The request.</param>
    public static object? Answer(bool many, string cmd, JsonElement request) =>
        cmd switch
        {
            "board" => new { board = new { columns = Board(many) } },
            "board_cards" => new
            {
                states = new { to_approve = many ? 1 : 0 },
                columns = Columns.Select(c => Shown(c.Id, many, request.GetProperty("limit").GetInt32())),
            },
            "tickets" => new { tickets = many ? Cards.Where(c => Fits(c, request)) : [] },
            "ticket" => new
            {
                ticket = Whole(Cards.Single(c => c.Id == request.GetProperty("id").GetInt64())),
                history = History,
            },
            "ticket_create"
            or "ticket_move"
            or "ticket_change"
            or "ticket_approve"
            or "ticket_hold"
            or "ticket_release" => new
            {
                ticket = Whole(
                    Cards[request.TryGetProperty("to_phase", out var to) && to.GetString() == "PHASE_TESTING" ? 3 : 1]
                ),
            },
            "tickets_load" => new
            {
                tickets = new[] { new { @ref = "login", id = 41 }, new { @ref = "logout", id = 42 } },
            },
            "tasks" => new { tasks = many ? Tasks.Reverse() : [] },
            "locks" => new { locks = many ? Locks : [] },
            "budgets" => new { budgets = many ? Budgets : [] },
            "budget_set" => new { budget = Budgets[0] },
            "budget_delete" => new { },
            "costs" => new { costs = many ? Costs : new CostSummary("global", 0, 0, 0, 0, 0, []) },
            "lock_release" => new { @lock = Locks[0] },
            "add_tasks" => new { tasks = new[] { Tasks[2] } },
            "apply_pattern" => new { tasks = Tasks[..2] },
            "task" => new
            {
                task = new TaskDetail(
                    Tasks[0],
                    "Ask the operator what you cannot know.\nWrite down what is out of scope.",
                    [new ExpectedOutput("requirements_document", Required: true, Pattern: "*/requirements.md")],
                    [Run(8, null), Run(7, "timeout")],
                    new TaskResult(
                        "The scope is written down.",
                        ["a session lives for 12 hours"],
                        ["the law may change"],
                        []
                    )
                ),
            },
            "change_task" => new { task = Tasks[0] },
            "task_graph" => new
            {
                graph = many
                    ? new TaskGraph(
                        Tasks,
                        [
                            new TaskEdge(101, 102, "dependency"),
                            new TaskEdge(101, 103, "dependency"),
                            new TaskEdge(102, 104, "dependency"),
                            new TaskEdge(103, 104, "dependency"),
                            new TaskEdge(103, 105, "discovery"),
                        ],
                        [103, 104]
                    )
                    : new TaskGraph([], [], []),
            },
            "gate" when request.GetProperty("ticket").GetInt64() == 42 => new { gate = Open },
            "gate" => new { gate = many ? Failed : Nothing },
            "artifacts" => new { artifacts = many ? Artifacts : [] },
            "artifact" => new { artifact = Artifacts[0], content = "# Prices\nrounded\u001b[2J down\n" },
            "artifact_add" => new { artifact = Artifacts[0] },
            "discoveries" => new { discoveries = many ? new[] { Found } : [] },
            "discover" => new { discovery = Found },
            "discovery_resolve" => new { discovery = Found with { Status = "resolved" } },
            "handoffs" => new { handoffs = many ? new[] { Offered } : [] },
            "handoff" => new { handoff = Offered },
            "list_work" => new { agents = many ? new[] { Able } : [] },
            "agent_change" => new { agent = Able },
            "reviews" => new { reviews = many ? Reviews : [] },
            "review_decide" => new { review = Reviews[0] },
            "threads" => new { threads = many ? Threads : [] },
            "thread" => new
            {
                thread = Threads[1],
                post = Posts[0],
                posts = Posts,
            },
            _ => null,
        };

    /// <summary>The columns of the board; the last one is for the blocked tickets.</summary>
    public static BoardColumnView[] Board(bool many) => [.. Columns.Select((_, i) => Column(i, many))];

    /// <summary>A task of which only the id matters.</summary>
    public static TaskView Node(long id) => Task(id, "work", "A task", "pending");

    private static bool Fits(TicketCard card, JsonElement request) =>
        (!request.TryGetProperty("phase_id", out var phase) || phase.GetString() == card.PhaseId)
        && (!request.TryGetProperty("status", out var status) || status.GetString() == card.Status);

    private static TicketCard[] Cards =>
        [
            Card(40, "Sessions that end by themselves", "PHASE_BACKLOG", "backlog", "LOW"),
            Card(41, "Login", Requirements, "analyzing", "HIGH") with
            {
                Gate = "failed",
                Tasks = new TaskCounts(2, 1, 3, 0),
                Agents = ["alice", "bob"],
                Labels = ["shop", "security"],
            },
            Card(42, "Logout", Requirements, "analyzing", "CRITICAL") with
            {
                Blocked = "waiting_on_clarification",
                BlockedReason = "Which browsers count?",
                Tasks = new TaskCounts(1, 0, 0, 1),
            },
            Card(43, "製品の価格を丸める処理を見直す", Implementation, "building-done", "MEDIUM") with
            {
                Gate = "waiting",
                WaitingFor = "Testing",
                Tasks = new TaskCounts(0, 0, 2, 0),
            },
            Card(
                44,
                "An overview of all that was sold in the last week, by day and by product",
                Implementation,
                "building",
                "MEDIUM"
            ) with
            {
                Held = true,
            },
            Card(45, "Receipts", "PHASE_TESTING", "testing", "MEDIUM"),
            Card(46, "Prices are rounded", "PHASE_DONE", "done", "MEDIUM") with
            {
                DoneAt = Minutes(3),
            },
            Card(47, "Anybody may ask for this", "PHASE_BACKLOG", "pending_review", "MEDIUM"),
        ];

    private static TicketHistoryEntry[] History =>
        [
            new(
                1,
                new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero),
                "operator",
                "created",
                ToPhase: "PHASE_BACKLOG"
            ),
            new(
                2,
                new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero),
                "system",
                "advanced",
                "PHASE_BACKLOG",
                Requirements,
                "backlog",
                "analyzing"
            ),
            new(
                3,
                new DateTimeOffset(2026, 1, 31, 12, 5, 0, TimeSpan.Zero),
                "system",
                "gate",
                Reason: "failed: requirements_document lacks the section acceptance_criteria"
            ),
        ];

    private static TaskView[] Tasks =>
        [
            Task(101, "analyze_requirements", "Analyse: Login", "completed") with
            {
                Agent = "alice",
                CompletedAt = Minutes(8),
            },
            Task(102, "create_requirements_doc", "Write up: Login", "running") with
            {
                Agent = "alice",
                StartedAt = Minutes(2),
                Progress = "the scope is written",
                ProgressPercent = 40,
            },
            Task(103, "ask_the_law", "Ask a lawyer", "pending"),
            Task(104, "create_design", "Design: Login", "pending") with
            {
                Holds =
                [
                    new TaskHold("dependency", "waits for 2 of 2 tasks"),
                    new TaskHold("failed_dependency", "task 105 failed; retry or skip it, or drop the edge"),
                ],
                WantsAgent = "documentation-writer-of-the-api",
            },
            Task(105, "look_at_browsers", "Which browsers are used?", "failed") with
            {
                Priority = "LOW",
                Agent = "bob",
                ErrorMessage = "the figures are not in the repository",
                CompletedAt = Minutes(5),
                RetryCount = 3,
            },
        ];

    private static ThreadView[] Threads =>
        [
            new(
                13,
                "handoff",
                "Handoff of task 102: Write up: Login",
                ["alice", "documentation-writer-of-the-api"],
                "active",
                "alice",
                Minutes(20),
                Minutes(1),
                Posts: 1,
                Ticket: 41,
                Task: 102,
                Handoff: new HandoffView(
                    5,
                    13,
                    41,
                    102,
                    "alice",
                    "documentation-writer-of-the-api",
                    "I lack the words.",
                    "requested",
                    Minutes(20),
                    Minutes(-1420)
                )
            ),
            new(
                12,
                "discussion",
                "Which browsers count, and who says so?",
                ["alice", "bob", "operator"],
                "active",
                "bob",
                Minutes(90),
                Minutes(2),
                Posts: 2,
                Ticket: 41
            ),
            new(
                9,
                "review",
                "Prices",
                ["alice", "bob"],
                "resolved",
                "alice",
                Minutes(9000),
                Minutes(8000),
                Posts: 7,
                ClosedAt: Minutes(8000)
            ),
        ];

    // The newest first.
    private static PostView[] Posts =>
        [
            new(
                35,
                12,
                "operator",
                "info",
                "Those of the last two years.\nNo others.",
                [],
                Minutes(2),
                ["bob"],
                ["alice"]
            ),
            new(34, 12, "bob", "question", "Which ones?", [], Minutes(90), ["alice"], [], Minutes(80)),
        ];

    private static GateView Nothing =>
        new(41, "PHASE_BACKLOG", "passed", RequirementsMet: true, [], [], [], Iteration: 0, MaxIterations: 3);

    private static GateView Open =>
        new(
            42,
            Requirements,
            "open",
            false,
            ["requirements_document"],
            ["waiting_tasks: task 106 is not completed yet"],
            [
                new(
                    "tasks_complete",
                    "all tasks are completed",
                    "waiting",
                    "waiting_tasks: task 106 is not completed yet"
                ),
                new("artifact", "requirements_document", "unmet", "an artifact of the type is missing; hand one in"),
            ],
            0,
            3
        );

    private static GateView Failed =>
        new(
            41,
            Requirements,
            "failed",
            RequirementsMet: false,
            ["test_results"],
            ["requirements_document has 200 characters of 500", "task 102 is running"],
            [
                new CriterionView(
                    "artifact",
                    "requirements_document of at least 500 characters",
                    "unmet",
                    "requirements_document has 200 characters of 500"
                ),
                new CriterionView("artifact", "requirements_document has the section scope", "met"),
                new CriterionView("operator", "Ship it?", "waiting", Review: 12),
            ],
            Iteration: 1,
            MaxIterations: 3,
            JudgedAt: Minutes(4)
        );

    private static DiscoveryView Found =>
        new(
            12,
            41,
            101,
            "missing_requirement",
            "Nobody says what half a cent is\nrounded to",
            PriorityBoost: false,
            "open",
            "alice",
            Minutes(5),
            Task: 103
        );

    private static HandoffView Offered =>
        new(12, 13, 41, 101, "alice", "bob", "You know the prices", "requested", Minutes(5), Minutes(-60));

    private static object Able =>
        new
        {
            name = "alice",
            duty = "worker",
            status = "running",
            capabilities = new[] { "law", "tax" },
            capacity = 2,
            active_tasks = 1,
        };

    private static Artifact[] Artifacts =>
        [
            new(
                300,
                41,
                Requirements,
                "requirements_document",
                "file",
                "alice",
                Minutes(6),
                200,
                "00",
                Task: 101,
                Path: "/agents/alice/state/41/requirements.md"
            ),
            new(
                299,
                41,
                Requirements,
                "requirements_document",
                "file",
                "alice",
                Minutes(9),
                100,
                "00",
                SupersededAt: Minutes(6)
            ),
            new(301, 41, Requirements, "notes", "data", "bob", Minutes(3), 2048, "00"),
        ];

    private static LockView[] Locks =>
        [
            new(12, "repo", "forge:agents/shop", "exclusive", "granted", 106, "alice", 1, Minutes(9), Minutes(9)),
            new(
                13,
                "db",
                "main",
                "shared",
                "granted",
                102,
                "documentation-writer-of-the-api",
                2,
                Minutes(4),
                Minutes(3),
                Minutes(-30)
            ),
            new(14, "repo", "forge:agents/shop", "exclusive", "waiting", 107, "bob", 0, Minutes(1)),
        ];

    private static BudgetView[] Budgets =>
        [
            Budget(3, "global", "day", 17.5, "warning") with
            {
                LimitUsd = 20,
                PeriodEnd = Minutes(-600),
                Held = new BudgetHeld(2, Stuck: false, LeftUsd: 0.046, LeastUsd: 0.054),
            },
            Budget(4, "agent", "week", 31, "exceeded") with
            {
                ScopeId = "documentation-writer-of-the-api",
                LimitUsd = 30,
                LimitTokens = 20_000_000,
                OnExceed = "cancel",
                PeriodEnd = Minutes(-4000),
                Held = new BudgetHeld(1, Stuck: true, 0, 250_000),
            },
            Budget(5, "phase", "once", 0.25, "ok") with
            {
                ScopeId = "software_development/PHASE_IMPLEMENTATION",
                LimitTokens = 2_000_000,
                OnExceed = "warn",
            },
        ];

    private static BudgetView Budget(long id, string scope, string period, double spent, string level) =>
        new(id, scope, period, Minutes(90), spent, 1_250_000, 0.054, 6000, 0.8, level, "hold", Minutes(90), Minutes(9));

    private static CostSummary Costs =>
        new(
            "global",
            17.5,
            2.25,
            1_250_000,
            42,
            3,
            [
                new ModelCost("anthropic", 15.25, 1_000_000, 30, "claude-sonnet-4-5"),
                new ModelCost("unknown", 2.25, 250_000, 9, "house-model-1"),
                new ModelCost("unknown", 0, 0, 3),
            ]
        );

    private static Review[] Reviews =>
        [
            new(12, 41, Requirements, "Ship it?", [300], 1, Minutes(4), Stale: false),
            new(
                13,
                42,
                Requirements,
                "Are the error cases covered, also those of a browser without cookies?",
                [],
                0,
                Minutes(7),
                Stale: false,
                ReviewTask: 106
            ),
            new(
                11,
                40,
                Requirements,
                "Ship it?",
                [290, 291],
                0,
                Minutes(30),
                Stale: false,
                Reviewer: "operator",
                Verdict: "failed",
                Feedback: "the tests are missing",
                DecidedAt: Minutes(20)
            ),
        ];

    private static TaskRun Run(long id, string? end) =>
        new(
            id,
            101,
            "alice",
            Minutes(id == 8 ? 2 : 70),
            Nudges: 0,
            StartedAt: Minutes(id == 8 ? 2 : 69),
            EndedAt: end is null ? null : Minutes(9),
            End: end,
            Note: end is null ? null : "3600 s have passed"
        );

    // The blocked ticket is in the column of blocked ones; those that wait are in front of their column.
    private static object Shown(string column, bool many, int limit)
    {
        string Place(TicketCard card) =>
            card.Blocked is not null ? "blocked"
            : card.WaitingFor is not null ? "testing"
            : Columns.Single(one => one.Phases.Contains(card.PhaseId)).Id;
        TicketCard[] cards = many ? [.. Cards.Where(c => Place(c) == column)] : [];
        return new
        {
            id = column,
            count = column == "done" && many ? 63 : cards.Length,
            cards = cards.OrderByDescending(c => c.Status == "pending_review").Take(limit),
        };
    }

    private static BoardColumnView Column(int i, bool many)
    {
        var (id, name, phases, limit, terminal) = Columns[i];
        var own = many ? Cards.Where(c => phases.Contains(c.PhaseId) && c.Status != "pending_review").ToArray() : [];
        // The column of blocked tickets counts those of all others; Done has older tickets that are not sent any more.
        var blocked = (id == "blocked" && many ? Cards : own).Count(c => c.Blocked is not null);
        return new BoardColumnView(
            "software_development",
            id,
            name,
            phases,
            id switch
            {
                "blocked" => blocked,
                "done" when many => 63,
                _ => own.Length,
            },
            blocked,
            Waiting: many && id == "testing" ? 1 : 0,
            terminal,
            ColumnPull.Auto,
            limit
        );
    }

    private static TicketCard Card(long id, string title, string phase, string status, string priority) =>
        new(
            id,
            title,
            "software_development",
            phase,
            status,
            priority,
            Gate: "open",
            Held: false,
            TaskCounts.None,
            Agents: [],
            Labels: [],
            Rank: id,
            CreatedAt: Minutes(90),
            UpdatedAt: Minutes(2),
            EnteredAt: Minutes(7)
        );

    private static Ticket Whole(TicketCard card) =>
        new(
            card,
            "A visitor logs in with a name and a password.\nThree wrong passwords lock the account.",
            [],
            "operator",
            "approved",
            [Implementation, "PHASE_BACKLOG"],
            [new TicketLink(40, "Sessions that end by themselves", false)],
            [new TicketLink(42, "Logout", false)],
            Parent: 12,
            Repository: "forge:agents/shop"
        );

    private static TaskView Task(long id, string type, string title, string status) =>
        new(
            id,
            41,
            Requirements,
            "work",
            type,
            title,
            "HIGH",
            status,
            Holds: [],
            Capabilities: ["analysis"],
            DependsOn: [],
            new TaskDeps(0, 0, 0),
            RetryCount: 0,
            MaxRetries: 3,
            Faults: 0,
            Iteration: 0,
            TimeoutSeconds: 3600,
            CreatedBy: "system",
            CreatedAt: Minutes(10)
        );

    // In the middle of a unit, so that a slow test shows the same age.
    private static DateTimeOffset Minutes(int many) => DateTimeOffset.UtcNow.AddSeconds(-((many * 60) + 30));
}
