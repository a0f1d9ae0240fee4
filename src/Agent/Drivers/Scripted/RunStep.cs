using System.Text;
using System.Text.Json.Nodes;
using Hive.Agent.Children;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>Runs a shell command in the state folder. What it prints becomes <c>{{output}}</c>.</summary>
internal sealed record RunStep(long Line, Template Command, Template? Description) : Step("run", Line)
{
    /// <summary>The variable with what the last command printed.</summary>
    public const string Output = "output";

    private const int MostCharacters = 32 * 1024;
    private const int LongestLine = 64 * 1024;
    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);

    public override Task RunAsync(StepContext context, CancellationToken ct)
    {
        var command = Command.Fill(context.Variables);
        var input = new JsonObject { ["command"] = command };
        if (Description?.Fill(context.Variables) is { } description)
            input["description"] = description;
        return context.ShowAsync(Line, "Bash", input, () => RunAsync(context, command, ct));
    }

    private static async Task<string> RunAsync(StepContext context, string command, CancellationToken ct)
    {
        var printed = new StringBuilder();
        var gate = new Lock();
        ChildEnd end;
        try
        {
            end = await Child.RunAsync(
                new ChildStart(["sh", "-c", command], context.Agent.StateDir, new Dictionary<string, string?>(), Quiet),
                ReadOnlyMemory<byte>.Empty,
                LongestLine,
                Take,
                Take,
                context.Agent.Time,
                ct
            );
        }
        catch (ProgramMissingException e)
        {
            throw new FormatException(e.Message, e);
        }

        var text = printed.ToString().TrimEnd('\n');
        context.Variables[Output] = text;
        if (end.Hung)
            throw new FormatException($"the command printed nothing for {Quiet.TotalSeconds:0} s and was ended");
        return end.ExitCode == 0 ? text : throw new FormatException($"{end}{(text.Length > 0 ? $": {text}" : "")}");

        // Both streams, in the order in which they arrive.
        void Take(OutputLine line)
        {
            lock (gate)
            {
                if (printed.Length < MostCharacters)
                    printed.Append(WireText.Cut(line.Text, MostCharacters)).Append('\n');
            }
        }
    }
}

/// <summary>Shows a text on the agent's page, as a model's words are shown.</summary>
internal sealed record SayStep(long Line, Template Text) : Step("say", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct)
    {
        context.Agent.Live.Text(Text.Fill(context.Variables));
        return Task.CompletedTask;
    }
}

/// <summary>Reports figures for the turn, to try the statistics without a model.</summary>
internal sealed record UsageStep(long Line, string Model, long Input, long Cached, long Output) : Step("usage", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct)
    {
        context.Tally.Usage = new TurnFigures
        {
            Model = Model,
            InputTokens = Input,
            OutputTokens = Output,
            CacheReadInputTokens = Cached,
            CacheCreationInputTokens = 0,
            LastInputTokens = Input,
            LastOutputTokens = Output,
            LastCacheReadInputTokens = Cached,
            LastCacheCreationInputTokens = 0,
        };
        return Task.CompletedTask;
    }
}
