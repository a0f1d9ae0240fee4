using System.CommandLine;
using Hive.Cli.Terminal;

namespace Hive.Cli.Verbs;

/// <summary>A fresh way into the dashboard.</summary>
internal static class OpenVerb
{
    public static Command Create()
    {
        var printOnly = new Option<bool>("--no-browser") { Description = "Only print the link" };
        return HostVerb.Create(
            "open",
            "Print a fresh login link for the dashboard, and open it when there is a display.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync("open_link");
                var url = answer.GetProperty("url").GetString()!;
                verb.Report(answer, url);
                if (!verb.Json && !parsed.GetValue(printOnly))
                    Browser.TryOpen(url);
            },
            printOnly
        );
    }
}
