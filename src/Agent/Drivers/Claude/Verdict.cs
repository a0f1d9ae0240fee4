using System.Globalization;
using System.Text.RegularExpressions;
using Hive.Agent.Children;

namespace Hive.Agent.Drivers.Claude;

internal enum VerdictKind
{
    Ok,
    Failed,
    PromptTooLong,
    RateLimited,
    LoginLost,
    NoConversation,
    UnknownOption,
}

/// <summary>Classifies the result of one run of <c>claude</c>.</summary>
/// <param name="Pause">How long a retry is useless; null when unknown.</param>
internal sealed partial record Verdict(VerdictKind Kind, string Note = "", TimeSpan? Pause = null)
{
    private const int NoteCharacters = 1000,
        ShortResult = 300,
        LongestParseDays = 8;

    // Pauses when the tool names no time: after a limit, and after an outage that the tool has retried for minutes.
    private static readonly TimeSpan UnnamedLimit = TimeSpan.FromSeconds(300),
        Overload = TimeSpan.FromSeconds(60),
        Shortest = TimeSpan.FromSeconds(5);

    public static Verdict Of(StreamJson seen, ChildEnd end, DateTimeOffset now)
    {
        var text = seen.HasResult ? seen.Result : seen.Errors.Trim();
        var note = text.Length > NoteCharacters ? text[^NoteCharacters..] : text;
        // A long answer of a successful turn may quote these phrases.
        var isFailure = seen.IsError || !seen.HasResult || seen.ErrorKind is not null;
        var mayBeError = isFailure || text.Length <= ShortResult;
        if (seen.TerminalReason == "prompt_too_long" || (isFailure && TooLong().IsMatch(text)))
            return new Verdict(VerdictKind.PromptTooLong, note);
        if (
            (isFailure && (seen.ApiStatus == 401 || seen.ErrorKind == "authentication_failed" || Login().IsMatch(text)))
            || (mayBeError && LoginAlone().IsMatch(text))
        )
            return new Verdict(VerdictKind.LoginLost, note);
        if (
            isFailure
            && (
                seen.ApiStatus == 429
                || seen.ErrorKind is "rate_limit" or "billing_error"
                || seen.TerminalReason == "blocking_limit"
                || Limit().IsMatch(text)
            )
        )
            return new Verdict(VerdictKind.RateLimited, note, Until(seen, text, now));
        if (
            isFailure
            && (seen.ApiStatus >= 500 || seen.ErrorKind is "server_error" or "overloaded" || Outage().IsMatch(text))
        )
            return new Verdict(VerdictKind.RateLimited, note, Overload);
        // Only before the first call to the model; later, the agent itself may have written the phrase.
        if (isFailure && seen.Last is null && NoConversation().IsMatch(text))
            return new Verdict(VerdictKind.NoConversation, note);
        // The note is the option.
        if (!seen.Started && !seen.HasResult && UnknownOption().Match(text) is { Success: true } unknown)
            return new Verdict(VerdictKind.UnknownOption, unknown.Groups[1].Value);
        if (end.Hung && !seen.HasResult)
            return new Verdict(VerdictKind.Failed, "claude printed nothing for too long and was ended");
        if (!seen.HasResult)
            return new Verdict(
                VerdictKind.Failed,
                $"claude printed no result; {end}{(note.Length > 0 ? $": {note}" : "")}"
            );
        return seen.IsError
            ? new Verdict(VerdictKind.Failed, note.Length > 0 ? note : "claude ended with an unknown error")
            : new Verdict(VerdictKind.Ok);
    }

    private static TimeSpan Until(StreamJson seen, string text, DateTimeOffset now)
    {
        var until = (seen.LimitReached ? seen.LimitUntil : null) ?? Epoch(text) ?? TimeOfDay(text, now);
        return until is { } at && at - now is var wait && wait < TimeSpan.FromDays(LongestParseDays)
            ? (wait > Shortest ? wait : Shortest)
            : UnnamedLimit;
    }

    // `Claude AI usage limit reached|1762952400`
    private static DateTimeOffset? Epoch(string text) =>
        EpochForm().Match(text) is { Success: true } match
            ? DateTimeOffset.FromUnixTimeSeconds(long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))
            : null;

    // `You've hit your session limit · resets 9am (Europe/Berlin)`
    private static DateTimeOffset? TimeOfDay(string text, DateTimeOffset now)
    {
        if (
            TimeForm().Match(text) is not { Success: true } match
            || !TimeZoneInfo.TryFindSystemTimeZoneById(match.Groups["zone"].Value, out var zone)
        )
            return null;
        var hour =
            int.Parse(match.Groups["hour"].Value, CultureInfo.InvariantCulture) % 12
            + (match.Groups["half"].Value == "pm" ? 12 : 0);
        var minute = match.Groups["minute"].Success
            ? int.Parse(match.Groups["minute"].Value, CultureInfo.InvariantCulture)
            : 0;
        var there = TimeZoneInfo.ConvertTime(now, zone).DateTime;
        var at = DateTime.SpecifyKind(there.Date.AddHours(hour).AddMinutes(minute), DateTimeKind.Unspecified);
        if (at <= there)
            at = at.AddDays(1);
        return zone.IsInvalidTime(at) ? null : new DateTimeOffset(at, zone.GetUtcOffset(at));
    }

    [GeneratedRegex(
        @"prompt is too long|exceeds? (?:the )?context (?:limit|window)|conversation (?:is )?too long",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex TooLong();

    [GeneratedRegex(
        "please run /login|not logged in|invalid api key|authentication_error"
            + "|oauth token (?:has expired|revoked)|failed to authenticate|api error: 401",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Login();

    [GeneratedRegex(
        @"\A\s*(?:not logged in|invalid api key|oauth token has expired)[^\n]{0,80}/login\s*\z",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex LoginAlone();

    [GeneratedRegex(
        "usage limit reached|hit your [a-z0-9 -]{0,30}limit|rate_limit_error"
            + @"|api error: (?:[a-z ]*\()?429|credit balance is too low",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Limit();

    [GeneratedRegex(
        @"api error: (?:[a-z ]*\()?5\d\d|overloaded_error|connection error|unable to connect to api"
            + "|ECONNRE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|failed to refresh oauth token",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Outage();

    [GeneratedRegex(@"no conversation (?:was )?found", RegexOptions.IgnoreCase)]
    private static partial Regex NoConversation();

    [GeneratedRegex(@"^error: unknown option '(--[a-z-]+)'", RegexOptions.Multiline)]
    private static partial Regex UnknownOption();

    [GeneratedRegex(@"limit reached\|(\d{9,11})", RegexOptions.IgnoreCase)]
    private static partial Regex EpochForm();

    [GeneratedRegex(
        @"resets? (?:at )?(?<hour>1[0-2]|[1-9])(?::(?<minute>[0-5]\d))?\s?(?<half>am|pm)"
            + @"\s*\((?<zone>[A-Za-z0-9_+/-]+)\)"
    )]
    private static partial Regex TimeForm();
}
