using System.Globalization;
using System.Text;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Runtimes;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Logs;

/// <inheritdoc cref="ILastWords"/>
internal sealed partial class LastWords(IRoster roster, RuntimeCatalog runtimes, ILogger<LastWords> log) : ILastWords
{
    private const int Lines = 20;
    private const int MostBytes = 2048;

    // A daemon that does not answer must not delay the end of a turn.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task<string?> Of(string agent)
    {
        if (roster.Find(agent) is not { } entry || runtimes.Find(entry.Runtime) is not { } runtime)
            return null;
        try
        {
            using var enough = new CancellationTokenSource(Patience);
            var lines = await runtime.Tail(agent, Lines, enough.Token).WaitAsync(enough.Token);
            return Text(lines) is { Length: > 0 } text ? text : null;
        }
        catch (Exception e)
        {
            // The lines are only an addition to the note.
            LogUnread(log, agent, e.Message);
            return null;
        }
    }

    /// <summary>Joins the newest lines that fit, and replaces characters that would control a terminal or a
    /// page.</summary>
    internal static string Text(IReadOnlyList<string> lines)
    {
        List<string> kept = [];
        var left = MostBytes;
        foreach (var line in lines.Reverse())
        {
            var shown = Visible(line.TrimEnd('\r'));
            var bytes = Encoding.UTF8.GetByteCount(shown) + 1;
            if (bytes > left)
            {
                if (kept.Count == 0)
                    kept.Add(Beginning(shown, left));
                break;
            }

            kept.Add(shown);
            left -= bytes;
        }

        kept.Reverse();
        return string.Join('\n', kept);
    }

    private static string Visible(string line)
    {
        var text = new StringBuilder(line.Length);
        foreach (var rune in line.EnumerateRunes())
        {
            // Unicode has pictures of the control characters, in the same order.
            if (rune.Value < ' ')
                text.Append(rune.Value == '\t' ? ' ' : (char)(0x2400 + rune.Value));
            else if (rune.Value == 0x7F)
                text.Append('\u2421');
            else if (
                Rune.GetUnicodeCategory(rune)
                is UnicodeCategory.Control
                    or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator
            )
                text.Append('\uFFFD');
            else
                text.Append(rune);
        }

        return text.ToString();
    }

    private static string Beginning(string text, int bytes)
    {
        const string Mark = "…";
        var (end, left) = (0, bytes - Encoding.UTF8.GetByteCount(Mark));
        foreach (var rune in text.EnumerateRunes())
        {
            if ((left -= rune.Utf8SequenceLength) < 0)
                break;
            end += rune.Utf16SequenceLength;
        }

        return text[..end] + Mark;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "could not read the last output of {Agent}: {Reason}")]
    private static partial void LogUnread(ILogger logger, string agent, string reason);
}
