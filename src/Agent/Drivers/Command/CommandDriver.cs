using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Hive.Agent.Children;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Command;

/// <summary>
/// Any program: the message on its standard input, what it prints back to whoever wrote (docs/command-driver.md).
/// </summary>
[Driver("command")]
internal sealed class CommandDriver : IDriver
{
    private const int LongestLine = 1024 * 1024,
        MostOutput = 1024 * 1024,
        ErrorCharacters = 1000,
        RoomForPath = 512;

    private static readonly UTF8Encoding Utf8 = new(false);

    private readonly DriverContext context;

    /// <exception cref="FormatException">agent.yaml names no command.</exception>
    public CommandDriver(DriverContext context)
    {
        this.context = context;
        if (context.Settings.Command.Count == 0)
            throw new FormatException(
                $"the driver `command` wants `command` in {AgentSettings.FileName}: the program and its arguments, such as command: [my-agent, --once]"
            );
    }

    /// <summary>What it prints is the answer to one message.</summary>
    public int MaxBatch => 1;

    public string? Missing =>
        Child.Find(context.Settings.Command[0], context.StateDir) is not null
            ? null
            : $"the program `{context.Settings.Command[0]}` is not on the agent's PATH ({Environment.GetEnvironmentVariable("PATH")}); "
                + $"install it there, or change `command` in {AgentSettings.FileName}";

    public async Task<TurnOutcome> RunAsync(Turn turn, CancellationToken ct)
    {
        var message = turn.Messages[0];
        var (output, errors) = (new Kept(MostOutput), new Kept(ErrorCharacters));
        var start = new ChildStart(
            context.Settings.Command,
            context.StateDir,
            Variables(turn, message),
            context.Settings.Quiet
        );
        var end = await Child.RunAsync(
            start,
            Utf8.GetBytes(WakePrompt.Of(turn)),
            LongestLine,
            line => TakeOutput(line, output),
            line => TakeError(line, errors),
            context.Time,
            ct
        );
        if (end.Hung)
            return TurnOutcome.Failed("it printed nothing for too long and was ended");
        if (end.ExitCode != 0)
            return TurnOutcome.Failed($"{end}{(errors.Text.Trim() is { Length: > 0 } said ? $": {said}" : "")}");
        await AnswerAsync(turn, message, output.Text.Trim('\n'), ct);
        return TurnOutcome.Ok;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static Dictionary<string, string?> Variables(Turn turn, Message message) =>
        new()
        {
            ["HIVE_TURN"] = turn.Id.ToString(CultureInfo.InvariantCulture),
            ["HIVE_MESSAGE_ID"] = message.Id.ToString(CultureInfo.InvariantCulture),
            ["HIVE_MESSAGE_FROM"] = message.From,
            ["HIVE_REDELIVERED"] = message.Redelivered == true ? "true" : "false",
        };

    private void TakeOutput(OutputLine line, Kept kept)
    {
        if (line.Skipped > 0)
        {
            context.Live.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"a line of {line.Skipped} bytes was passed over; the longest that is read has {LongestLine}"
                ),
                "warn"
            );
            return;
        }

        context.Live.Text(line.Text);
        kept.Add(line.Text);
    }

    private void TakeError(OutputLine line, Kept kept)
    {
        context.Live.Stderr(line.Text);
        kept.Add(line.Text);
    }

    private async Task AnswerAsync(Turn turn, Message message, string text, CancellationToken ct)
    {
        // What the host itself sends has nobody behind it who could read an answer.
        if (text.Length == 0 || message.From is "system" or "reminder")
            return;
        string? path = null;
        if (Utf8.GetByteCount(text) > Limits.BodyBytes)
        {
            var file = string.Create(CultureInfo.InvariantCulture, $"answers/{turn.Id}.txt");
            await StateFile.WriteAsync(context.StateDir, file, text, append: false, ct);
            path = Path.Combine(context.StateDir, file);
            // The host adds where the reader finds it.
            const string Pointer = "\n…\nAll of it:";
            text = WireText.Cut(text, Limits.BodyBytes - RoomForPath - Utf8.GetByteCount(Pointer)) + Pointer;
        }

        var answer = new JsonObject
        {
            ["to"] = message.From,
            ["body"] = text,
            ["in_reply_to"] = message.Id,
            ["key"] = string.Create(CultureInfo.InvariantCulture, $"command-{message.Id}"),
        };
        if (path is not null)
            answer["file_path"] = path;
        try
        {
            await context.Host.CallAsync("send", answer, ct);
        }
        catch (HiveException e) when (path is not null && e.Code is ("conflict" or "too_large"))
        {
            // Too large a file, or too many that the reader keeps: the beginning is better than nothing.
            answer.Remove("file_path");
            answer["body"] = text + WireText.Cut($" {path}, which could not be handed over: {e.Message}", RoomForPath);
            await context.Host.CallAsync("send", answer, ct);
        }
    }

    /// <summary>The first of what a program prints, as much as is wanted.</summary>
    private sealed class Kept(int most)
    {
        private readonly StringBuilder text = new();
        private bool full;

        public string Text => text.ToString();

        public void Add(string line)
        {
            if (full)
                return;
            var room = most - text.Length;
            full = line.Length >= room;
            text.Append(full ? WireText.Cut(line, room) : line).Append('\n');
        }
    }
}
