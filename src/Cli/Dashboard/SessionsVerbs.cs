using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Dashboard;

/// <summary><c>hive sessions</c> and <c>hive token</c>: the open sessions of the dashboard, and ways to end
/// them.</summary>
internal static class SessionsVerbs
{
    public static Command[] All()
    {
        var sessions = List("sessions");
        sessions.Subcommands.Add(List("list"));
        sessions.Subcommands.Add(End());
        return [sessions, new Command("token", "Replace the access token of scripts.") { Rotate() }];
    }

    private static Command List(string name) =>
        Verb.Create(
            name,
            "List the open sessions of the dashboard, the one used last first.",
            async (verb, _) =>
            {
                var answer = await verb.CallAsync("sessions");
                var sessions = answer.GetProperty("sessions").Deserialize<SessionView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (sessions.Length == 0)
                    verb.Screen.Line("No open sessions. hive open prints a login link");
                else
                    verb.Screen.Table(
                        ["id", "opened", "last used", "expires", "address", Screen.Column.Text("client")],
                        [.. sessions.Select(Cells)]
                    );
            },
            CommonOptions.Wide()
        );

    private static Command End()
    {
        var id = new Argument<string?>("ID")
        {
            Description = "The session's id, from hive sessions",
            Arity = ArgumentArity.ZeroOrOne,
        }.CompletedBy(Known.SessionsAsync);
        var all = new Option<bool>("--all") { Description = "End every session" };
        var end = Verb.Create(
            "end",
            "End a session: its page must sign in again.",
            async (verb, parsed) =>
            {
                if (parsed.GetValue(id) is { } session)
                {
                    verb.Report(
                        await verb.CallAsync("session_end", new { id = session }),
                        $"session {session} is ended"
                    );
                    return;
                }

                var answer = await verb.CallAsync("sessions_end");
                verb.Report(answer, Ended(answer.GetProperty("ended").GetInt32()));
            },
            id,
            all
        );
        end.Validators.Add(given =>
        {
            if (given.GetValue(id) is null != given.GetValue(all))
                given.AddError("name one session, or all with --all");
        });
        return end;
    }

    private static Command Rotate()
    {
        var sessions = new Option<bool>("--sessions") { Description = "End every session too" };
        return Verb.Create(
            "rotate",
            "Replace the access token. The old one stops at once; sessions stay open.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync("token_rotate", new { sessions = parsed.GetValue(sessions) });
                var file = $"the new access token is in {answer.GetProperty("file").GetString()}";
                verb.Report(
                    answer,
                    answer.TryGetProperty("ended", out var ended) ? $"{file}; {Ended(ended.GetInt32())}" : file
                );
            },
            sessions
        );
    }

    private static string Ended(int many) => Invariant($"{many} {(many == 1 ? "session is" : "sessions are")} ended");

    private static Screen.Cell[] Cells(SessionView session) =>
        [
            session.Id,
            Screen.Ago(session.OpenedAt),
            Screen.Ago(session.LastUsedAt),
            Invariant($"{session.ExpiresAt.ToLocalTime():MM-dd HH:mm}"),
            session.Address ?? "",
            session.Client ?? "",
        ];
}
