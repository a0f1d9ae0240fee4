using System.CommandLine;
using System.Text;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using static System.FormattableString;

namespace Hive.Cli.Approvals;

/// <summary><c>hive config</c>, <c>hive propose</c> and <c>hive propose-again</c>: show an agent's configuration and
/// propose another.</summary>
internal static class ProposeVerbs
{
    public static Command[] All() => [Config(), Propose(), Again()];

    private static Command Config()
    {
        var agent = CommonOptions.Agent();
        return Verb.Create(
            "config",
            "Print an agent's deployed agent.yaml.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync("agent_config", new { name = parsed.GetRequiredValue(agent) });
                if (verb.Json)
                {
                    JsonOutput.Print(answer);
                    return;
                }

                var content = answer.GetProperty("content").GetString()!;
                // Elsewhere than on a terminal it is often edited and proposed, so each character has to stay.
                if (Display.Current.Width is null)
                    Display.Current.Output.Write(content);
                else
                    verb.Screen.Line(content.TrimEnd('\n'));
                // Beside the file, which is often redirected into one.
                if (answer.TryGetProperty("proposed", out var proposed))
                {
                    var id = proposed.GetProperty("approval_id").GetInt64();
                    Display.Current.Error.WriteLine(
                        Invariant($"Approval {id} proposes another one: hive pending {id} shows it.")
                    );
                }
            },
            agent
        );
    }

    private static Command Propose()
    {
        var agent = CommonOptions.Agent();
        var file = new Argument<string>("FILE") { Description = "The whole new agent.yaml; - reads standard input" };
        var description = new Option<string?>("-d", "--description")
        {
            Description = "What changes and why; at most 4096 bytes",
            HelpName = "TEXT",
        };
        return Verb.Create(
            "propose",
            "Propose another agent.yaml for an agent: a commit to review like any other.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "propose_config",
                    new
                    {
                        name = parsed.GetRequiredValue(agent),
                        yaml = await ReadAsync(parsed.GetRequiredValue(file), verb.Cancelled),
                        description = parsed.GetValue(description),
                    }
                );
                Report(verb, answer);
            },
            agent,
            file,
            description
        );
    }

    private static Command Again()
    {
        var id = CommonOptions.Id("The failed approval's id, from hive pending --all", Known.ApprovalsAsync);
        return Verb.Create(
            "propose-again",
            "Propose your own change again, on top of what is deployed now, after its approval failed.",
            async (verb, parsed) =>
                Report(verb, await verb.CallAsync("propose_again", new { id = parsed.GetRequiredValue(id) })),
            id
        );
    }

    private static void Report(VerbContext verb, JsonElement answer)
    {
        var id = answer.GetProperty("approval_id").GetInt64();
        verb.Report(
            answer,
            Invariant($"approval {id} waits for a decision: hive pending {id} shows it, hive approve {id} deploys it")
        );
    }

    private static async Task<string> ReadAsync(string file, CancellationToken ct)
    {
        try
        {
            using var reader = new StreamReader(
                file == "-" ? Display.Current.Input() : File.OpenRead(file),
                new UTF8Encoding(false, throwOnInvalidBytes: true)
            );
            return await reader.ReadToEndAsync(ct);
        }
        catch (DecoderFallbackException)
        {
            throw new UsageException($"{file} is not valid UTF-8");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"{file} cannot be read: {e.Message}");
        }
    }
}
