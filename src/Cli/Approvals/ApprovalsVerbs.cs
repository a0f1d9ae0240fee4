using System.CommandLine;
using Hive.Cli.Completion;
using static System.FormattableString;

namespace Hive.Cli.Approvals;

internal static class ApprovalsVerbs
{
    public static Command[] All() =>
        [PendingVerb.Create(), ApproveVerb.Create(), Deny(), RequestSpawn(), .. ProposeVerbs.All()];

    public static Argument<long> Id() => CommonOptions.Id("The approval's id, from hive pending", Known.ApprovalsAsync);

    private static Command Deny()
    {
        var id = Id();
        var note = GivenText.Argument("NOTE", "The reason, for the requester");
        return Verb.Create(
            "deny",
            "Deny a request; the manager is told, with the note.",
            async (verb, parsed) =>
            {
                var approval = parsed.GetRequiredValue(id);
                var words = parsed.GetValue(note)!;
                var why = words.Length == 0 ? null : await GivenText.ReadAsync(words, "", verb.Cancelled);
                verb.Report(
                    await verb.CallAsync("deny", new { id = approval, note = why }),
                    Invariant($"approval {approval} is denied")
                );
            },
            id,
            note
        );
    }

    private static Command RequestSpawn()
    {
        var name = CommonOptions.NewAgent();
        var runtime = CommonOptions.Runtime();
        var description = new Option<string?>("-d", "--description")
        {
            Description = "What the agent is for; at most 4096 bytes",
            HelpName = "TEXT",
        };
        return Verb.Create(
            "request-spawn",
            "Request a new agent, to be approved or denied later.",
            async (verb, parsed) =>
            {
                var fields = new
                {
                    name = parsed.GetRequiredValue(name),
                    runtime = parsed.GetValue(runtime),
                    description = parsed.GetValue(description),
                };
                var answer = await verb.CallAsync("request_spawn", fields);
                var id = answer.GetProperty("id").GetInt64();
                verb.Report(
                    answer,
                    Invariant($"approval {id} waits for a decision: hive approve {id}, or hive deny {id}")
                );
            },
            name,
            runtime,
            description
        );
    }
}
