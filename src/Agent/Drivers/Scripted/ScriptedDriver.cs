using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>
/// Answers messages by the rules of a script, for the demo, tests and small fixed jobs (docs/scripted-driver.md).
/// </summary>
[Driver("scripted")]
internal sealed class ScriptedDriver : IDriver
{
    private readonly DriverContext context;
    private readonly Script? script;

    public ScriptedDriver(DriverContext context)
    {
        this.context = context;
        if (File.Exists(context.Settings.ScriptPath))
            script = ScriptReader.Read(context.Settings.ScriptPath);
    }

    public string? Missing =>
        script is not null ? null
        : context.Settings.IsDriverChosen && ClaudeProgram.Missing("claude", context.StateDir) is { } noClaude
            ? $"{NoScript}, and {noClaude}, or add {context.Settings.Script} to the agent's configuration"
        : $"{NoScript}; add it to the agent's configuration, or set `driver: claude` in {AgentSettings.FileName}";

    private string NoScript => $"{context.Settings.Script} for the driver scripted is missing";

    /// <summary>Rules match one message.</summary>
    public int MaxBatch => 1;

    public async Task StartAsync(CancellationToken ct)
    {
        if (script is null)
        {
            return;
        }

        await RunAsync(script.Start, new StepContext(context, OfStart(), null, 0, new TurnTally()), ct);
    }

    public async Task<TurnOutcome> RunAsync(Turn turn, CancellationToken ct)
    {
        if (script is null)
            return TurnOutcome.Failed(Missing!);
        var tally = new TurnTally();
        foreach (var message in turn.Messages)
        {
            var systemEvent = SystemEvent.Of(message);
            try
            {
                var (steps, groups) = script.For(message, systemEvent);
                await RunAsync(
                    steps,
                    new StepContext(
                        context,
                        OfMessage(turn, message, systemEvent, groups),
                        message.Id,
                        turn.Number,
                        tally
                    ),
                    ct
                );
            }
            catch (Exception e) when (e is StepException or RegexMatchTimeoutException)
            {
                return TurnOutcome.Failed(e.Message) with { Figures = tally.Figures };
            }
        }

        return TurnOutcome.Ok with
        {
            Figures = tally.Figures,
        };
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal static async Task RunAsync(IReadOnlyList<Step> steps, StepContext context, CancellationToken ct)
    {
        foreach (var step in steps)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                await step.RunAsync(context, ct);
            }
            catch (Exception e) when (step.Optional && (e is HiveException or FormatException))
            {
                context.Agent.Log.Info(
                    $"script: line {step.Line}: {step.Name}, which is optional, failed: {e.Message}"
                );
            }
            catch (Exception e)
                when (e is HiveException or FormatException or IOException or UnauthorizedAccessException)
            {
                throw new StepException(
                    $"line {step.Line} of {context.Agent.Settings.Script}: {step.Name}: {e.Message}",
                    e
                );
            }
        }
    }

    private Variables OfStart()
    {
        var variables = new Variables();
        AddOfStart(variables, 0);
        return variables;
    }

    private void AddOfStart(Variables variables, long count)
    {
        variables["self"] = context.Name;
        variables["role"] = context.Role;
        variables["state_dir"] = context.StateDir.TrimEnd('/');
        variables.Set("count", JsonSerializer.SerializeToElement(count));
        variables[RunStep.Output] = "";
    }

    private Variables OfMessage(
        Turn turn,
        Message message,
        SystemEvent? systemEvent,
        IReadOnlyDictionary<string, string> groups
    )
    {
        var variables = new Variables();
        foreach (var (name, value) in systemEvent?.Members ?? new Dictionary<string, JsonElement>())
            variables.Set(name, value);
        foreach (var (name, value) in groups)
            variables[name] = value;
        AddOfStart(variables, turn.Number);
        variables["from"] = message.From;
        variables["body"] = message.Body;
        variables.Set("id", JsonSerializer.SerializeToElement(message.Id));
        variables.Set("redelivered", JsonSerializer.SerializeToElement(message.Redelivered == true));
        variables["event"] = systemEvent?.Name ?? "";
        return variables;
    }
}
