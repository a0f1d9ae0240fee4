using System.CommandLine;

namespace Hive.Cli;

/// <summary>Creates verbs that ask the host; each has <c>--json</c>.</summary>
internal static class Verb
{
    public static Command Create(
        string name,
        string description,
        Func<VerbContext, ParseResult, Task> act,
        params Symbol[] symbols
    )
    {
        var command = new Command(name, description) { CommonOptions.Json() };
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Arguments.Add(argument);
            else
                command.Options.Add((Option)symbol);
        }

        command.SetAction(
            async (parsed, ct) =>
            {
                await act(new VerbContext(parsed, ct), parsed);
                return ExitCode.Done;
            }
        );
        return command;
    }

    /// <summary>Creates a verb that sends one command about one agent and reports the result in a sentence.</summary>
    /// <param name="name">The verb.</param>
    /// <param name="description">Its help.</param>
    /// <param name="cmd">The command on the host's socket.</param>
    /// <param name="fields">The command's fields, from the agent's name.</param>
    /// <param name="done">The sentence, from the agent's name.</param>
    public static Command ForAgent(
        string name,
        string description,
        string cmd,
        Func<string, object> fields,
        Func<string, string> done
    )
    {
        var agent = CommonOptions.Agent();
        return Create(
            name,
            description,
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(agent);
                verb.Report(await verb.CallAsync(cmd, fields(who)), done(who));
            },
            agent
        );
    }
}
