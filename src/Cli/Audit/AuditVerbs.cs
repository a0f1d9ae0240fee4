using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Audit;

/// <summary><c>hive audit</c>: logins, ended sessions, rotations and refusals.</summary>
internal static class AuditVerbs
{
    private static readonly string[] Kinds =
    [
        "login",
        "logout",
        "session_ended",
        "token_rotated",
        "wrong_key",
        "unknown_key",
        "wrong_code",
        "wrong_signature",
        "no_key",
        "far_token",
        "foreign_host",
        "foreign_origin",
        "forbidden_request",
        "forbidden_command",
    ];

    public static Command[] All() => [List()];

    private static Command List()
    {
        var kind = new Option<string?>("--kind")
        {
            Description = "Only entries of this kind, such as login or wrong_key",
            HelpName = "KIND",
        };
        kind.AcceptOnlyFromAmong(Kinds);
        var most = new Option<int>("-n", "--limit")
        {
            Description = "How many, from the newest: 1 to 200. Default: 50",
            HelpName = "N",
            DefaultValueFactory = _ => 50,
        };
        return Verb.Create(
            "audit",
            "List logins, ended sessions, rotations of the token, and refusals at the doors, the newest first.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "audit",
                    new { kind = parsed.GetValue(kind), limit = parsed.GetValue(most) }
                );
                var entries = answer.GetProperty("entries").Deserialize<AuditEntry[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (entries.Length == 0)
                    verb.Screen.Line("No entries.");
                else
                    verb.Screen.Table(
                        ["last", "kind", "times", "address", "by", "session", Screen.Column.Text("detail")],
                        [.. entries.Select(Cells)]
                    );
            },
            kind,
            most,
            CommonOptions.Wide()
        );
    }

    private static Screen.Cell[] Cells(AuditEntry entry) =>
        [
            Invariant($"{entry.LastAt.ToLocalTime():MM-dd HH:mm}"),
            entry.Kind is "login" or "logout" or "session_ended" or "token_rotated"
                ? entry.Kind
                : new Screen.Cell(entry.Kind, "yellow"),
            Invariant($"{entry.Count}"),
            entry.Address ?? "",
            entry.Actor ?? "",
            entry.Subject ?? "",
            entry.Detail ?? "",
        ];
}
