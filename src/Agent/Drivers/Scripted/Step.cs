using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>The data that a step runs with.</summary>
/// <param name="MessageId">Null in <c>start</c>.</param>
/// <param name="Variables">Its values; <c>output</c> and <c>answer</c> change while the steps run.</param>
/// <param name="Tally">The figures of the turn.</param>
internal sealed record StepContext(
    DriverContext Agent,
    Variables Variables,
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

/// <summary>Calls a tool of the host whose fields are templates.</summary>
/// <param name="Name">The name in the script, which is the tool's own except for <c>call</c>.</param>
internal record CommandStep(string Name, long Line, IReadOnlyDictionary<string, Field> Fields) : Step(Name, Line)
{
    protected virtual string Tool => Name;

    public override async Task RunAsync(StepContext context, CancellationToken ct)
    {
        var fields = new JsonObject();
        foreach (var (name, field) in Fields)
        {
            if (field.Fill(context) is { } value)
                fields[name] = value;
        }

        await context.ShowAsync(
            Line,
            // The name that the same tool has for a model.
            $"mcp__hive__{Tool}",
            fields.DeepClone().AsObject(),
            async () => Taken(context, await context.Agent.Host.CallToolAsync(Tool, fields, ct))
        );
    }

    /// <summary>Takes the host's answer; returns the text that the agent's page shows for it.</summary>
    protected virtual string Taken(StepContext context, JsonElement answer) => "ok";
}

/// <summary>Calls any tool. The members of its answer become <c>{{answer.…}}</c>.</summary>
internal sealed record CallStep(long Line, string Command, IReadOnlyDictionary<string, Field> Fields)
    : CommandStep("call", Line, Fields)
{
    protected override string Tool => Command;

    protected override string Taken(StepContext context, JsonElement answer)
    {
        context.Variables.Answer = answer.Clone();
        var members = JsonObject.Create(answer)!;
        members.Remove("version");
        members.Remove("ok");
        return members.Count == 0 ? "ok" : members.ToJsonString(WireJson.Options);
    }
}

/// <summary>
/// One field of a command: a constant, a template, or a value that holds further ones. A field without a value is left
/// out.
/// </summary>
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

    /// <summary>A text, or the value of its only variable as it is.</summary>
    internal sealed record Typed(Template Template) : Field
    {
        public override JsonNode? Fill(StepContext context) => Template.FillValue(context.Variables);
    }

    internal sealed record Items(IReadOnlyList<Field> All) : Field
    {
        public override JsonNode Fill(StepContext context) =>
            new JsonArray([.. All.Select(item => item.Fill(context)).OfType<JsonNode>()]);
    }

    internal sealed record Members(IReadOnlyDictionary<string, Field> All) : Field
    {
        public override JsonNode Fill(StepContext context) =>
            new JsonObject(
                All.Select(member => KeyValuePair.Create(member.Key, member.Value.Fill(context)))
                    .Where(member => member.Value is not null)
            );
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
