using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Locks;

/// <summary><c>hive locks</c>: what tasks hold, what they wait for, and the operator's way to free it.</summary>
internal static class LocksVerbs
{
    public static Command[] All()
    {
        var locks = List("locks", "List the locks of tasks, and the requests that wait for one.");
        locks.Subcommands.Add(List("list", "List the locks of tasks, and the requests that wait for one."));
        locks.Subcommands.Add(Release());
        return [locks];
    }

    private static Command List(string name, string description) =>
        Verb.Create(
            name,
            description,
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync("locks");
                var locks = answer.GetProperty("locks").Deserialize<LockView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (locks.Length == 0)
                    verb.Screen.Line("No locks.");
                else
                    verb.Screen.Table(
                        [
                            "id",
                            Screen.Column.Text("resource"),
                            "mode",
                            "state",
                            "task",
                            Screen.Column.Name("agent"),
                            "since",
                            "expires",
                        ],
                        [.. locks.Select(Cells)]
                    );
            },
            CommonOptions.Wide()
        );

    private static Command Release()
    {
        var id = CommonOptions.Id("The lock's id, from hive locks", Known.LocksAsync);
        return Verb.Create(
            "release",
            "Release a lock, whoever holds it. Its task goes on.",
            async (verb, parsed) =>
            {
                var chosen = parsed.GetRequiredValue(id);
                verb.Report(
                    await verb.CallAsync("lock_release", new { id = chosen }),
                    Invariant($"lock {chosen} is released")
                );
            },
            id
        );
    }

    private static Screen.Cell[] Cells(LockView row) =>
        [
            Invariant($"{row.Id}"),
            $"{row.ResourceType}:{row.ResourceId}",
            row.Mode,
            row.Status == "waiting" ? new Screen.Cell("waits", "yellow")
            : row.Count > 1 ? Invariant($"held {row.Count} times")
            : "held",
            Invariant($"{row.Task}"),
            row.Agent,
            Screen.Ago(row.AcquiredAt ?? row.AskedAt),
            row.ExpiresAt is { } at ? Invariant($"{at.ToLocalTime():MM-dd HH:mm}")
            : row.AcquiredAt is not null ? "with its run"
            : "",
        ];
}
