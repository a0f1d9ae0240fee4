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
                var (who, given) = (parsed.GetRequiredValue(agent), parsed.GetValue(code));
                if (given is null)
                {
                    await verb.CallAsync("login", new { name = who });
                    var begun = await WaitAsync(
                        verb,
                        who,
                        h => h.Login is { } l && (l.Url ?? l.Error ?? l.Output) != null
                    );
                    if (begun.Login?.Error is { } failed)
                        throw new HiveException("unavailable", $"the login of {who} failed: {failed}");
                    given = Ask(verb, who, begun);
                    if (given is null)
                        return;
                }

                await verb.CallAsync("login_code", new { name = who, code = given });
                var end = await WaitAsync(verb, who, h => h.State != LoggingIn);
                if (end.State == "needs_login")
                    throw new HiveException(
                        "conflict",
                        $"{who} is not logged in: {end.Login?.Error ?? "its tool did not accept the code"}; "
                            + $"try again: hive login {who}"
                    );
                if (verb.Json)
                    JsonOutput.Print(await verb.CallAsync("harness", new { name = who }));
                else
                    verb.Screen.Styled($"{who} is logged in", "green");
            },
            agent,
            code
        );
    }

    private const string LoggingIn = "logging_in";

    // The code; null when nobody can be asked.
    private static string? Ask(VerbContext verb, string agent, Harness begun)
    {
        var link = begun.Login?.Url;
        if (verb.Json)
        {
            JsonOutput.Print(new JsonObject { ["url"] = link, ["output"] = begun.Login?.Output });
            return null;
        }

        verb.Screen.Line(link is null ? begun.Login?.Output ?? "" : $"Open this link and sign in:\n\n{link}\n");
        if (Console.IsInputRedirected)
        {
            verb.Screen.Line($"Then: hive login {agent} CODE");
            return null;
        }

        Display.Current.Output.Write("The code that the page shows: ");
        var typed = Console.ReadLine()?.Trim();
        return string.IsNullOrEmpty(typed)
            ? throw new HiveException("conflict", "no code; nothing was changed")
            : typed;
    }

    private static async Task<Harness> WaitAsync(VerbContext verb, string agent, Func<Harness, bool> isOver)
    {
        var until = DateTimeOffset.UtcNow + Patience;
        while (true)
        {
            var now = (await verb.CallAsync("harness", new { name = agent })).Deserialize<Harness>(WireJson.Options)!;
            if (isOver(now))
                return now;
            if (DateTimeOffset.UtcNow > until)
                throw new HiveException(
                    "unavailable",
                    $"the tool of {agent} said nothing for {Patience.TotalSeconds} s; its output: hive logs {agent}"
                );
            await Task.Delay(Pause, verb.Cancelled);
        }
    }

    private sealed record Harness(string State, Login? Login = null);

    private sealed record Login(string? Url = null, string? Output = null, string? Error = null);
}
