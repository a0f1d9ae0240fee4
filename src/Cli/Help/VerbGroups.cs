namespace Hive.Cli.Help;

/// <summary>The groups in which <c>hive help</c> lists the verbs, and their order.</summary>
internal static class VerbGroups
{
    public static IReadOnlyList<(string Title, string[] Verbs)> All { get; } =
    [
        ("See", ["status", "watch", "list", "turns", "stats", "logs", "config", "kept", "inputs"]),
        ("Talk", ["send", "inbox", "messages", "questions", "answer", "join"]),
        (
            "Decide",
            [
                "waiting",
                "next",
                "pending",
                "approve",
                "deny",
                "propose",
                "propose-again",
                "request-spawn",
                "parked",
                "reminders",
            ]
        ),
        (
            "Run",
            [
                "new",
                "spawn",
                "start",
                "stop",
                "restart",
                "rebuild",
                "update-all",
                "pause",
                "resume",
                "cancel-turn",
                "compact",
                "new-session",
                "model",
                "login",
                "kill",
                "destroy",
                "revive",
                "purge",
            ]
        ),
        (
            "Plan",
            [
                "board",
                "ticket",
                "task",
                "duty",
                "locks",
                "gate",
                "artifact",
                "reviews",
                "review",
                "discovery",
                "threads",
                "handoff",
                "workflow",
                "pattern",
                "budget",
                "costs",
            ]
        ),
        (
            "System",
            ["up", "demo", "open", "sessions", "token", "audit", "doctor", "forge", "backup", "completion", "version"]
        ),
    ];
}
