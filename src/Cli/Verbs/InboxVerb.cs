using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>Shows what agents wrote to the operator, or what waits for an agent.</summary>
internal static class InboxVerb
{
    public static Command Create()
    {
        var limit = new Option<int>("-n", "--limit")
        {
            Description = "How many at most",
            HelpName = "N",
            DefaultValueFactory = _ => 50,
        };
        var ack = new Option<bool>("--ack") { Description = "Mark those shown as read" };
        var agent = new Argument<string?>("NAME")
        {
            Description = "Show what waits for this agent, is parked, or is being worked on",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var failed = new Option<bool>("--parked")
        {
            Description = "Show messages to agents that failed: parked, or waiting to be tried again",
        };
        const string Does = "Read what agents wrote to you, or what waits for an agent, newest last.";
        return HostVerb.Create(
            "inbox",
            Does,
            async (verb, parsed) =>
            {
                if (parsed.GetValue(agent) is not null || parsed.GetValue(failed))
                {
                    if (parsed.GetValue(ack))
                        throw new UsageException("--ack is for your own inbox: hive inbox --ack");
                    var who = parsed.GetValue(agent) is { } name ? CommonOptions.WithoutAt(name) : null;
                    await ShowOpenAsync(verb, who, parsed.GetValue(failed), parsed.GetValue(limit));
                    return;
                }

                var answer = await verb.CallAsync("inbox", new { limit = parsed.GetValue(limit) });
                var messages = answer
                    .GetProperty("messages")
                    .Deserialize<Message[]>(WireJson.Options)!
                    .OrderBy(m => m.Id)
                    .ToArray();
                var unread = answer.GetProperty("unread").GetInt64();
                if (verb.Json)
                    HostVerb.Print(answer);
                else
                    Show(verb, messages, unread);

                // Only what was shown: a message that came in meanwhile stays unread.
                var fresh = messages.Where(m => m.AckedAt is null).Select(m => m.Id).ToArray();
                if (parsed.GetValue(ack) && fresh.Length > 0)
                    await verb.CallAsync("ack_messages", new { ids = fresh });
            },
            agent,
            failed,
            limit,
            ack
        );
    }

    private static async Task ShowOpenAsync(HostVerb verb, string? agent, bool failed, int limit)
    {
        var answer = await verb.CallAsync(
            "open_messages",
            new
            {
                name = agent,
                failed,
                limit,
            }
        );
        if (verb.Json)
        {
            HostVerb.Print(answer);
            return;
        }

        var messages = answer.GetProperty("messages").Deserialize<Message[]>(WireJson.Options)!;
        if (messages.Length == 0)
            verb.Screen.Line(failed ? "No message has failed." : $"No message waits for {agent}.");
        foreach (var message in messages)
        {
            var state = StateOf(message);
            Show(verb, message, $" to {message.To}", $"  {state.Words}", state.Style);
            if (message.LastError is { } error)
                verb.Screen.Line($"  error: {error}");
        }

        if (answer.GetProperty("more").GetBoolean())
            verb.Screen.Line("There are more; see further with --limit N.");
        if (messages.Any(m => m.ParkedAt is not null || m.NextAttemptAt is not null))
            verb.Screen.Line("hive retry ID delivers a failed message again at once, hive drop ID gives it up.");
    }

    private static (string Words, string Style) StateOf(Message message)
    {
        var attempts = message.Attempts is { } count
            ? string.Create(
                CultureInfo.InvariantCulture,
                $" after {count} failed {(count == 1 ? "attempt" : "attempts")}"
            )
            : "";
        if (message.ParkedAt is not null)
            return ($"parked{attempts}", "bold red");
        if (message.DeliveredAt is not null)
            return ("being worked on", "green");
        var words =
            message.NextAttemptAt is { } at && at > DateTimeOffset.UtcNow
                ? string.Create(CultureInfo.InvariantCulture, $"tried again at {at.ToLocalTime():HH:mm:ss}")
                : "unread";
        return (words + attempts, "bold yellow");
    }

    private static void Show(HostVerb verb, Message message, string to, string state, string style)
    {
        var answers = message.InReplyTo is { } id ? string.Create(CultureInfo.InvariantCulture, $", answers {id}") : "";
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"{message.SentAt.ToLocalTime():yyyy-MM-dd HH:mm:ss}  {message.From}{to}  (message {message.Id}{answers}){state}"
        );
        verb.Screen.Styled(head, style);
        foreach (var line in message.Body.Split('\n'))
            verb.Screen.Line($"  {line}");
    }

    private static void Show(HostVerb verb, Message[] messages, long unread)
    {
        if (messages.Length == 0)
        {
            verb.Screen.Line("Nobody has written to you yet.");
            return;
        }

        foreach (var message in messages)
        {
            var (state, style) = message.AckedAt is null ? ("  unread", "bold yellow") : ("", "grey");
            Show(verb, message, "", state, style);
        }

        verb.Screen.Line(
            unread == 0
                ? "All read."
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{unread} unread; hive inbox --ack marks those shown as read."
                )
        );
    }
}
