using System.Globalization;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>The data that a step runs with.</summary>
/// <param name="MessageId">Null in <c>start</c>.</param>
/// <param name="Variables">Its values; <c>output</c> changes with each program that runs.</param>
/// <param name="Tally">The figures of the turn.</param>
internal sealed record StepContext(
    DriverContext Agent,
    Dictionary<string, string> Variables,
    long? MessageId,
    long Count,
    TurnTally Tally
)
{
    /// <summary>Shows a tool call on the agent's page, and its result when the work is done.</summary>
    /// <param name="line">The step's line, which tells calls apart.</param>
    /// <param name="tool">The tool, by the name that coding agents have for it.</param>
    /// <param name="input">Its input, in the same form.</param>
    /// <param name="work">Does it; returns the result's text.</param>
    public async Task ShowAsync(long line, string tool, JsonObject input, Func<Task<string>> work)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"line-{line}");
        Tally.Count(tool);
        Agent.Live.ToolCall(id, tool, input);
        try
        {
            Agent.Live.ToolResult(id, await work(), error: false);
        }
        catch (Exception e) when (e is HiveException or FormatException or IOException or UnauthorizedAccessException)
        {
            Agent.Live.ToolResult(id, e.Message, error: true);
            throw;
        }
    }
}

/// <summary>One action of a script.</summary>
/// <param name="Name">The name in the script.</param>
/// <param name="Line">Its line in the script, for errors.</param>
internal abstract record Step(string Name, long Line)
{
    /// <summary>Whether the turn continues when the host refuses the action.</summary>
    public bool Optional { get; init; }

    public abstract Task RunAsync(StepContext context, CancellationToken ct);
}

/// <summary>Calls a command of the host whose fields are templates.</summary>
internal sealed record CommandStep(string Name, long Line, IReadOnlyDictionary<string, Field> Fields) : Step(Name, Line)
{
    public override async Task RunAsync(StepContext context, CancellationToken ct)
    {
        var fields = new JsonObject();
        foreach (var (name, field) in Fields)
            fields[name] = field.Fill(context);
        await context.ShowAsync(
            Line,
            // The name that the same tool has for a model.
            $"mcp__hive__{Name}",
            fields.DeepClone().AsObject(),
            async () =>
            {
                await context.Agent.Host.CallAsync(Name, fields, ct);
                return "ok";
            }
        );
    }
}

/// <summary>One field of a command: a constant, a template, a list of templates, or a template for a number.</summary>
internal abstract record Field
{
    public abstract JsonNode? Fill(StepContext context);

    internal sealed record Constant(JsonNode Value) : Field
    {
        public override JsonNode Fill(StepContext context) => Value.DeepClone();
    }

    internal sealed record Text(Template Template) : Field
    {
        public override JsonNode Fill(StepContext context) => JsonValue.Create(Template.Fill(context.Variables));
    }

    internal sealed record Texts(IReadOnlyList<Template> Templates) : Field
    {
        public override JsonNode Fill(StepContext context) =>
            new JsonArray([.. Templates.Select(t => (JsonNode)JsonValue.Create(t.Fill(context.Variables)))]);
    }

    internal sealed record Number(string Name, Template Template) : Field
    {
        public override JsonNode Fill(StepContext context) =>
            long.TryParse(
                Template.Fill(context.Variables),
                NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture,
                out var number
            )
                ? JsonValue.Create(number)
                : throw new FormatException(
                    $"`{Name}` must be a whole number and is `{Template.Fill(context.Variables)}`"
                );
    }

    /// <summary>The id of the message of this turn.</summary>
    internal sealed record ThisMessage : Field
    {
        public override JsonNode? Fill(StepContext context) =>
            context.MessageId is { } id ? JsonValue.Create(id) : null;
    }
}

internal sealed record WaitStep(long Line, TimeSpan Time) : Step("wait", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct) =>
        Task.Delay(Time, context.Agent.Time, ct);
}

internal sealed record FailStep(long Line, Template Error) : Step("fail", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct) =>
        throw new FormatException(Error.Fill(context.Variables));
}

internal sealed record LogStep(long Line, Template Text) : Step("log", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct)
    {
        context.Agent.Log.Info($"script: {Text.Fill(context.Variables)}");
        return Task.CompletedTask;
    }
}

/// <summary>Ends the process like a crash, without cleanup or reports.</summary>
internal sealed record ExitStep(long Line, int Code) : Step("exit", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct)
    {
        context.Agent.Log.Warn($"script: exit with code {Code}");
        Linux.ExitNow(Code);
        return Task.CompletedTask;
    }
}

/// <summary>Runs one of several lists; the next list in the next turn.</summary>
internal sealed record ChooseStep(long Line, IReadOnlyList<IReadOnlyList<Step>> Lists) : Step("choose", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct) =>
        ScriptedDriver.RunAsync(Lists[(int)((Math.Max(context.Count, 1) - 1) % Lists.Count)], context, ct);
}

/// <summary>A step failed; the message names its place in the script.</summary>
internal sealed class StepException(string message, Exception cause) : Exception(message, cause);
