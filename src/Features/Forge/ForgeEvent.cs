using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>An event that a webhook of the forge reports, and the accounts that it concerns. A member of another type
/// counts as missing.</summary>
internal sealed partial class ForgeEvent
{
    private const int ShownTitle = 400;
    private const int ShownText = 4096;
    private const int MostMentioned = 20;

    // The reasons for which an agent is told, as they appear in its message; the first that applies counts.
    private const string ReviewRequested = "review_requested";
    private const string Mentioned = "mentioned";
    private const string Opened = "pull_request_opened";

    private readonly JsonElement body;
    private readonly JsonElement subject;
    private readonly string text;
    private readonly Dictionary<string, string> concerned = new(StringComparer.Ordinal);

    private ForgeEvent(JsonElement body, JsonElement subject, string text)
    {
        (this.body, this.subject, this.text) = (body, subject, text);
        var comment = Member(body, "comment");
        At = Instant(comment, "updated_at") ?? Instant(subject, "updated_at");
    }

    /// <summary>When it happened; null when the event does not say.</summary>
    public DateTimeOffset? At { get; }

    /// <summary>The accounts that it concerns, and the reason for each.</summary>
    public IReadOnlyDictionary<string, string> Concerned => concerned;

    /// <summary>Reads an event.</summary>
    /// <param name="kind">As in the header <c>X-Forgejo-Event</c>.</param>
    /// <param name="body">The request's body.</param>
    /// <returns>Null for a kind that concerns nobody.</returns>
    public static ForgeEvent? Read(string kind, JsonElement body)
    {
        var action = Text(body, "action");
        var pull = Member(body, "pull_request");
        var issue = Member(body, "issue");
        ForgeEvent? happened = (kind, action) switch
        {
            ("pull_request", "opened") => new ForgeEvent(body, pull, Text(pull, "body")),
            ("pull_request", "review_requested") => new ForgeEvent(body, pull, Text(pull, "body")),
            ("issues", "opened") => new ForgeEvent(body, issue, Text(issue, "body")),
            ("issue_comment" or "pull_request_comment", "created") => new ForgeEvent(
                body,
                issue.ValueKind == JsonValueKind.Object ? issue : pull,
                Text(Member(body, "comment"), "body")
            ),
            // A review has a text of its own.
            (
                "pull_request_comment"
                    or "pull_request_approved"
                    or "pull_request_rejected"
                    or "pull_request_review_approved"
                    or "pull_request_review_rejected"
                    or "pull_request_review_comment",
                _
            ) => new ForgeEvent(body, pull, Text(Member(body, "review"), "content")),
            _ => null,
        };
        happened?.Find(kind == "pull_request" ? action : "");
        return happened;
    }

    /// <summary>The body of the message to an agent.</summary>
    public string BodyFor(string why) =>
        JsonSerializer.Serialize(
            new
            {
                @event = why,
                repository = Repository,
                number = Member(subject, "number") is { ValueKind: JsonValueKind.Number } number
                && number.TryGetInt64(out var value)
                    ? value
                    : (long?)null,
                title = TextRules.Cut(Text(subject, "title"), ShownTitle),
                url = Url(),
                by = Sender,
                text = text.Length == 0 ? null : TextRules.Cut(text, ShownText),
            },
            WireJson.Options
        );

    private string Repository => TextRules.Cut(Text(Member(body, "repository"), "full_name"), ShownTitle);

    private string Sender => TextRules.Cut(Text(Member(body, "sender"), "login"), ShownTitle);

    private string? Url() =>
        new[] { Text(Member(body, "comment"), "html_url"), Text(subject, "html_url") }.FirstOrDefault(u => u.Length > 0)
            is { } url
            ? TextRules.Cut(url, 2 * ShownTitle)
            : null;

    private void Find(string action)
    {
        if (action == ReviewRequested)
        {
            Add(Text(Member(body, "requested_reviewer"), "login"), ReviewRequested);
            return;
        }

        foreach (Match match in Mention().Matches(text).Take(MostMentioned))
            Add(match.Groups[1].Value, Mentioned);
        if (action != "opened")
            return;
        // The owner of the repository, the agent whose configuration is in it, and the assignees.
        var owner = Text(Member(Member(body, "repository"), "owner"), "login");
        Add(
            owner == ForgeNames.Agents ? Text(Member(body, "repository"), "name")
                : Repository == ForgeNames.Meta ? Principals.Manager
                : owner,
            Opened
        );
        if (Member(subject, "assignees") is { ValueKind: JsonValueKind.Array } assignees)
        {
            foreach (var assignee in assignees.EnumerateArray().Take(MostMentioned))
                Add(Text(assignee, "login"), Opened);
        }
    }

    // An agent is not told of its own actions.
    private void Add(string account, string why)
    {
        var name = account.ToLowerInvariant();
        if (name.Length > 0 && !name.Equals(Sender, StringComparison.OrdinalIgnoreCase))
            concerned.TryAdd(name, why);
    }

    private static JsonElement Member(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var member) ? member : default;

    private static string Text(JsonElement of, string name)
    {
        try
        {
            return Member(of, name) is { ValueKind: JsonValueKind.String } text
                ? text.GetString()!.Replace('\0', ' ')
                : "";
        }
        catch (InvalidOperationException)
        {
            // An unpaired surrogate.
            return "";
        }
    }

    private static DateTimeOffset? Instant(JsonElement of, string name) =>
        DateTimeOffset.TryParse(
            Text(of, name),
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var at
        )
            ? at
            : null;

    // As the forge recognises mentions: not in the middle of a word or an address.
    [GeneratedRegex(@"(?<![\w@/.+-])@([A-Za-z][A-Za-z0-9-]{0,62})(?![\w@])")]
    private static partial Regex Mention();
}
