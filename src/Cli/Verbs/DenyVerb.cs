using System.CommandLine;
using System.Globalization;

namespace Hive.Cli.Verbs;

/// <summary>Refuses what an approval asks for.</summary>
internal static class DenyVerb
{
    public static Command Create()
    {
        var id = new Argument<long>("ID") { Description = "The approval's number, from hive pending" };
        var note = new Argument<string[]>("NOTE")
        {
            Description = "Why (at most 4096 bytes), for who asked; - reads it from standard input",
            Arity = ArgumentArity.ZeroOrMore,
        };
        return HostVerb.Create(
            "deny",
            "Deny what an approval asks for; the manager is told, with the note.",
            async (verb, parsed) =>
            {
                var approval = parsed.GetRequiredValue(id);
                var words = parsed.GetValue(note)!;
                var why = words.Length == 0 ? null : await GivenText.ReadAsync(words, "", verb.Cancelled);
                verb.Report(
                    await verb.CallAsync("deny", new { id = approval, note = why }),
                    string.Create(CultureInfo.InvariantCulture, $"approval {approval} is denied")
                );
            },
            id,
            note
        );
    }
}
