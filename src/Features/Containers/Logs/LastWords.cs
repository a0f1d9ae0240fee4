using System.Globalization;
using System.Text;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Logs;

/// <inheritdoc cref="ILastWords"/>
internal sealed partial class LastWords(IRoster roster, Runtimes runtimes, ILogger<LastWords> log) : ILastWords
{
    private const int Lines = 20;
    private const int MostBytes = 2048;

    // A daemon that does not answer keeps no turn from its end.
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
            // Whatever went wrong: they only add to the note of an end that has happened.
            LogUnread(log, agent, e.Message);
            return null;
        }
    }

    /// <summary>The newest of the lines that fit, without a character that a terminal or a page would obey.</summary>
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
            // The pictures of the control characters stand in Unicode in their order.
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "the last lines of {Agent} could not be read: {Reason}")]
    private static partial void LogUnread(ILogger logger, string agent, string reason);
}
