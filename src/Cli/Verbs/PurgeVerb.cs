using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Removes for good what is kept of a destroyed agent.</summary>
internal static class PurgeVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent();
        var yes = new Option<bool>("--yes", "-y") { Description = "Purge without asking" };
        return HostVerb.Create(
            "purge",
            "Remove for good what is kept of a destroyed agent.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                if (!parsed.GetValue(yes) && !DestroyVerb.Confirmed(who, "purge"))
                    throw new UsageException($"what is kept of {who} was left as it is");
                verb.Report(await verb.CallAsync("purge_tombstone", new { name = who }), $"nothing is left of {who}");
            },
            name,
            yes
        );
    }
}
