using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Hive.Agent.Children;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Command;

/// <summary>
/// Runs any program for a turn: the message is its standard input, and its output is the answer to the sender
/// (docs/command-driver.md).
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

    /// <exception cref="FormatException">agent.yaml has no <c>command</c>.</exception>
    public CommandDriver(DriverContext context)
    {
        this.context = context;
        if (context.Settings.Command.Count == 0)
            throw new FormatException(
                $"the driver `command` needs `command` in {AgentSettings.FileName}: the program and its arguments, "
                    + "as in command: [my-agent, --once]"
            );
    }

    /// <summary>The output answers one message.</summary>
    public int MaxBatch => 1;

    public string? Missing =>
        Child.Find(context.Settings.Command[0], context.StateDir) is not null
            ? null
            : $"program `{context.Settings.Command[0]}` not found on the agent's PATH "
                + $"({Environment.GetEnvironmentVariable("PATH")}); "
                + $"install it there, or change `command` in {AgentSettings.FileName}";

    public async Task<TurnOutcome> RunAsync(Turn turn, CancellationToken ct)
    {
        var message = turn.Messages[0];
        var (output, errors) = (new CappedText(MostOutput), new CappedText(ErrorCharacters));
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
            return TurnOutcome.Failed("the program printed nothing for too long and was ended");
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
            // The prompt has it as lines, which programs would have to take apart.
            ["HIVE_EVENT"] = EventLines.IsEvent(message.From, message.Body) ? message.Body : null,
        };

    private void TakeOutput(OutputLine line, CappedText kept)
    {
        if (line.Skipped > 0)
        {
            context.Live.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"a line of {line.Skipped} bytes was skipped; the limit is {LongestLine} bytes"
                ),
                "warn"
            );
            return;
        }

        context.Live.Text(line.Text);
        kept.Add(line.Text);
    }

    private void TakeError(OutputLine line, CappedText kept)
    {
        context.Live.Stderr(line.Text);
        kept.Add(line.Text);
    }

    private async Task AnswerAsync(Turn turn, Message message, string text, CancellationToken ct)
    {
        // Nobody reads answers to the host's own senders.
        if (text.Length == 0 || message.From is "system" or "reminder")
            return;
        string? path = null;
        if (Utf8.GetByteCount(text) > Limits.BodyBytes)
        {
            path = await WriteAsync(turn, text, ct);
            // The host appends the recipient's path of the file.
            const string Pointer = "\n…\nWhole answer:";
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
            await SendAsync(answer, text, path, ct);
        }
        catch (HiveException e) when (e.Code == "limited")
        {
            // The recipient has too much to read. The program has run: running it again would not make room.
            path ??= await WriteAsync(turn, text, ct);
            context.Live.Note($"the answer was not sent and is in {path}: {e.Message}", "warn");
        }
    }

    private async Task SendAsync(JsonObject answer, string text, string? path, CancellationToken ct)
    {
        try
        {
            await context.Host.CallAsync("send", answer, ct);
        }
        catch (HiveException e) when (path is not null && e.Code is ("conflict" or "too_large"))
        {
            // The file is too large, or the recipient has too many files; send the beginning only.
            answer.Remove("file_path");
            answer["body"] = text + WireText.Cut($" {path}, which could not be sent: {e.Message}", RoomForPath);
            await context.Host.CallAsync("send", answer, ct);
        }
    }

    private async Task<string> WriteAsync(Turn turn, string text, CancellationToken ct)
    {
        var file = string.Create(CultureInfo.InvariantCulture, $"answers/{turn.Id}.txt");
        await StateFile.WriteAsync(context.StateDir, file, text, append: false, ct);
        return Path.Combine(context.StateDir, file);
    }

    /// <summary>Keeps the beginning of a program's output, up to a limit.</summary>
    private sealed class CappedText(int most)
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
