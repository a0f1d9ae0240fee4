using System.CommandLine;
using System.Text;
using Hive.Cli.Turns;

namespace Hive.Cli.Agents;

/// <summary><c>hive new</c>: makes an agent with driver, model, role and first message in one step.</summary>
internal static class NewVerb
{
    public static Command Create()
    {
        var name = CommonOptions.NewAgent();
        var runtime = CommonOptions.Runtime();
        var driver = new Option<string?>("--driver")
        {
            Description = "What runs its turns: claude, command or scripted. Default: the host's --driver",
            HelpName = "DRIVER",
        };
        var model = new Option<string?>("--model")
        {
            Description = "The driver's own name for a model. Default: the driver's",
            HelpName = "MODEL",
        };
        var role = new Option<string?>("--role")
        {
            Description = "Its prompt: a text, @FILE, or one of the examples engineer, reviewer and researcher",
            HelpName = "ROLE",
        };
        var message = new Option<string?>("--message", "-m")
        {
            Description = "Your first message to it; at most 4096 bytes",
            HelpName = "TEXT",
        };
        var command = new Option<string[]>("--command")
        {
            Description = "For the driver command: the program and its arguments; give it last",
            HelpName = "WORD",
            AllowMultipleArgumentsPerToken = true,
        };
        return Verb.Create(
            "new",
            "Make an agent: its driver, model, role and first message in one step.",
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(name);
                var answer = await verb.CallAsync(
                    "make_agent",
                    new
                    {
                        name = who,
                        driver = parsed.GetValue(driver),
                        model = parsed.GetValue(model),
                        role = RoleOf(parsed.GetValue(role)),
                        first_message = parsed.GetValue(message),
                        command_line = parsed.GetValue(command) is { Length: > 0 } words ? words : null,
                        runtime = parsed.GetValue(runtime),
                    }
                );
                var missing = await Readiness.OfStartedAsync(verb, answer, who);
                var note = answer.TryGetProperty("note", out var text) ? $"; note: {text}" : "";
                verb.Report(answer, $"{who} exists ({answer.GetProperty("runtime")}){note}");
                if (missing is null || verb.Json)
                    return;
                verb.Screen.Styled($"{who} cannot work yet: {missing}", "magenta");
                if (parsed.GetValue(driver) is null)
                    verb.Screen.Line("An agent that needs no other program: hive new NAME --driver scripted");
            },
            name,
            driver,
            model,
            role,
            message,
            command,
            runtime
        );
    }

    private static string? RoleOf(string? given)
    {
        if (given is null || !given.StartsWith('@'))
            return given;
        try
        {
            return File.ReadAllText(given[1..], new UTF8Encoding(false, throwOnInvalidBytes: true));
        }
        catch (DecoderFallbackException)
        {
            throw new UsageException($"--role: {given[1..]} is not valid UTF-8");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"--role: {given[1..]} cannot be read: {e.Message}");
        }
    }
}
