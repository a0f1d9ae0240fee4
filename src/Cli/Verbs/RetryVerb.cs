using System.CommandLine;
using System.Globalization;

namespace Hive.Cli.Verbs;

/// <summary>Retries or drops messages that failed.</summary>
internal static class RetryVerb
{
    public static Command Create() =>
        Of(
            "retry",
            "Deliver messages again at once that are parked or wait to be tried again.",
            "retry_message",
            "is delivered again"
        );

    public static Command CreateDrop() =>
        Of(
            "drop",
            "Drop messages that are parked or wait to be tried again: nobody receives them.",
            "drop_message",
            "is dropped"
        );

    private static Command Of(string name, string description, string cmd, string done)
    {
        var ids = new Argument<long[]>("ID")
        {
            Description = "The messages' numbers, from hive inbox --parked",
            Arity = ArgumentArity.OneOrMore,
        };
        return HostVerb.Create(
            name,
            description,
            async (verb, parsed) =>
            {
                foreach (var id in parsed.GetRequiredValue(ids))
                {
                    var answer = await verb.CallAsync(cmd, new { id });
                    verb.Report(answer, string.Create(CultureInfo.InvariantCulture, $"message {id} {done}"));
                }
            },
            ids
        );
    }
}
