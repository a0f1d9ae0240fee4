using System.CommandLine;
using Hive.Protocol;

namespace Hive.Cli.Containers;

/// <summary><c>hive purge</c>: deletes the tombstone of a destroyed agent.</summary>
internal static class PurgeVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Tombstone();
        var yes = CommonOptions.Yes("Purge without asking");
        return Verb.Create(
            "purge",
            "Permanently delete a destroyed agent's data.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                if (!parsed.GetValue(yes) && !await DestroyVerb.IsConfirmedAsync(who, "purge", verb.Cancelled))
                    throw new HiveException("conflict", $"nothing was changed: the data of {who} is kept");
                verb.Report(
                    await verb.CallAsync("purge_tombstone", new { name = who }),
                    $"the data of {who} was deleted"
                );
            },
            name,
            yes
        );
    }
}
