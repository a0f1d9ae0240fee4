using System.CommandLine;
using Hive.Cli.Terminal;

namespace Hive.Cli.Dashboard;

internal static class DashboardVerbs
{
    public static Command[] All() => [StatusVerb.Create(), WatchVerb.Create(), Open(), .. SessionsVerbs.All()];

    private static Command Open()
    {
        var printOnly = new Option<bool>("--no-browser") { Description = "Only print the link" };
        return Verb.Create(
            "open",
            "Print a new login link for the dashboard, and open it when there is a display.",
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
