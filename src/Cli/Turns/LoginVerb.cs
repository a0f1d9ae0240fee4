using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Turns;

/// <summary><c>hive login</c>: logs an agent's tool in, with the code that its login page shows.</summary>
internal static class LoginVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    public static Command Create()
    {
        var agent = CommonOptions.Agent();
        var code = new Argument<string?>("CODE")
        {
            Description = "The code of a login that was started before",
            Arity = ArgumentArity.ZeroOrOne,
        };
        return Verb.Create(
            "login",
            "Log an agent's tool in: shows the link, then takes the code.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(agent);
                if ((parsed.GetValue(code) ?? await BeginAsync(verb, who)) is { } given)
                    await EndAsync(verb, who, given);
            },
            agent,
            code
        );
    }

    /// <summary>Logs an agent's tool in with a code that is typed on the terminal.</summary>
    public static async Task LogInAsync(VerbContext verb, string agent)
    {
        if (await BeginAsync(verb, agent) is { } code)
            await EndAsync(verb, agent, code);
    }

    // Starts the login and shows its link. The code that is typed then; null when nobody can be asked.
    private static async Task<string?> BeginAsync(VerbContext verb, string agent)
    {
        var before = await HarnessAsync(verb, agent);
        await verb.CallAsync("login", new { name = agent });
        // The tool can print other lines before the link. The link and the error of a login that failed stay until
        // this one begins; a login that is under way goes on, with its link.
        var begun = await WaitAsync(
            verb,
            agent,
            h => h.State == LoggingIn ? h.Login is { Url: not null, Error: null } : h.SinceAt != before.SinceAt
        );
        return begun.State == LoggingIn ? await AskAsync(verb, agent, begun)
            : begun.Login?.Error is { } failed
                ? throw new HiveException("unavailable", $"the login of {agent} failed: {failed}")
            : throw new HiveException("conflict", $"the login of {agent} ended before it had shown a link");
    }

    private static async Task EndAsync(VerbContext verb, string agent, string code)
    {
        await verb.CallAsync("login_code", new { name = agent, code });
        var end = await WaitAsync(verb, agent, h => h.State != LoggingIn);
        if (end.State == "needs_login")
            throw new HiveException(
                "conflict",
                $"{agent} is not logged in: {end.Login?.Error ?? "no login of its tool was running"}; "
                    + $"try again: hive login {agent}"
            );
        if (end.State is "offline" or "not_ready")
        {
            var now = end.State == "offline" ? "is not connected any more" : "has no usable driver any more";
            throw new HiveException(
                "unavailable",
                $"{agent} {now}, so it is unknown whether it is logged in; look with: hive status {agent}"
            );
        }

        if (verb.Json)
            JsonOutput.Print(await verb.CallAsync("harness", new { name = agent }));
        else
            verb.Screen.Styled($"{agent} is logged in", "green");
    }

    private const string LoggingIn = "logging_in";

    // Shows the link and asks for the code; null when nobody can be asked.
    private static async Task<string?> AskAsync(VerbContext verb, string agent, Harness begun)
    {
        var link = begun.Login!.Url;
        if (verb.Json)
        {
            JsonOutput.Print(new JsonObject { ["url"] = link, ["output"] = begun.Login.Output });
            return null;
        }

        verb.Screen.Line($"Open this link and sign in:\n\n{link}\n");
        if (!Display.Current.CanAsk)
        {
            verb.Screen.Line($"Then: hive login {agent} CODE");
            return null;
        }

        Display.Current.Output.Write("The code that the page shows: ");
        var typed = (await Prompt.LineAsync(verb.Cancelled))?.Trim();
        return string.IsNullOrEmpty(typed)
            ? throw new HiveException("conflict", "no code; nothing was changed")
            : typed;
    }

    private static async Task<Harness> WaitAsync(VerbContext verb, string agent, Func<Harness, bool> isOver)
    {
        var until = DateTimeOffset.UtcNow + Patience;
        while (true)
        {
            var now = await HarnessAsync(verb, agent);
            if (isOver(now))
                return now;
            if (DateTimeOffset.UtcNow > until)
                throw new HiveException(
                    "unavailable",
                    $"the tool of {agent} gave no answer for {Patience.TotalSeconds} s; its output: hive logs {agent}"
                );
            await Task.Delay(Pause, verb.Cancelled);
        }
    }

    private static async Task<Harness> HarnessAsync(VerbContext verb, string agent) =>
        (await verb.CallAsync("harness", new { name = agent })).Deserialize<Harness>(WireJson.Options)!;

    private sealed record Harness(string State, DateTimeOffset SinceAt, Login? Login = null);

    private sealed record Login(string? Url = null, string? Output = null, string? Error = null);
}
