using System.CommandLine;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Containers;

/// <summary><c>hive destroy</c>: removes an agent; its notes are kept as a tombstone unless it is purged.</summary>
internal static class DestroyVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent();
        var purge = new Option<bool>("--purge") { Description = "Also delete its notes and credentials permanently" };
        var yes = CommonOptions.Yes("Purge without asking");
        return Verb.Create(
            "destroy",
            "Remove an agent; its notes are kept unless --purge.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                var purged = parsed.GetValue(purge);
                if (purged && !parsed.GetValue(yes) && !await IsConfirmedAsync(who, "--purge", verb.Cancelled))
                    throw new HiveException("conflict", $"nothing was changed: {who} still exists");
                verb.Report(
                    await verb.CallAsync("destroy", new { name = who, purge = purged }),
                    purged
                        ? $"{who} was destroyed and its data deleted"
                        : $"{who} was destroyed; its notes are kept; bring it back: hive revive {who}"
                );
            },
            name,
            purge,
            yes
        );
    }

    /// <summary>Asks on the terminal whether an agent's data may be deleted.</summary>
    public static async Task<bool> IsConfirmedAsync(string name, string what, CancellationToken ct)
    {
        if (!Display.Current.CanType)
            throw new UsageException($"{what} deletes permanently and cannot ask without a terminal; add --yes");
        Display.Current.Error.Write($"Permanently delete {name} with its notes and credentials? [y/N] ");
        return (await Prompt.LineAsync(ct))?.Trim().ToUpperInvariant() is "Y" or "YES";
    }
}
