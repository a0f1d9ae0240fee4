using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Takes an agent away; its notes stay behind as a tombstone unless they are purged too.</summary>
internal static class DestroyVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent();
        var purge = new Option<bool>("--purge") { Description = "Delete its notes and credentials too, for good" };
        var yes = new Option<bool>("--yes", "-y") { Description = "Purge without asking" };
        return HostVerb.Create(
            "destroy",
            "Take an agent away; its notes stay unless --purge.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                var gone = parsed.GetValue(purge);
                if (gone && !parsed.GetValue(yes) && !Confirmed(who, "--purge"))
                    throw new UsageException($"{who} was left as it is");
                verb.Report(
                    await verb.CallAsync("destroy", new { name = who, purge = gone }),
                    gone
                        ? $"{who} and everything it kept is gone"
                        : $"{who} is gone; its notes stay, and a new {who} finds them again"
                );
            },
            name,
            purge,
            yes
        );
    }

    /// <summary>Asks a person whether everything of an agent is to go.</summary>
    public static bool Confirmed(string name, string what)
    {
        if (Console.IsInputRedirected)
            throw new UsageException($"{what} deletes for good and there is nobody to ask here: say --yes too");
        Console.Error.Write($"Delete {name} with its notes and credentials, for good? [y/N] ");
        return Console.ReadLine()?.Trim().ToUpperInvariant() is "Y" or "YES";
    }
}
