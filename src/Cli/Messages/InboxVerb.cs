using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Messages;

/// <summary><c>hive inbox</c>: shows the operator's messages, or the open messages of agents.</summary>
internal static class InboxVerb
{
    public static Command Create()
    {
        var limit = CommonOptions.Limit(50);
        var ack = new Option<bool>("--ack") { Description = "Mark the shown messages as read" };
        var agent = new Argument<string?>("NAME")
        {
            Description = "Show this agent's messages that are unread, parked or being worked on",
            Arity = ArgumentArity.ZeroOrOne,
        }.CompletedBy(Known.AgentsAsync);
        var failed = new Option<bool>("--parked") { Description = "The older spelling of hive parked", Hidden = true };
        return Verb.Create(
            "inbox",
            "Read your messages from agents, or an agent's open messages, newest last.",
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
                    JsonOutput.Print(answer);
                else
                    Show(verb, messages, unread);

                // Only the shown messages: one that arrived since stays unread.
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

    private static async Task ShowOpenAsync(VerbContext verb, string? agent, bool failed, int limit)
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
            JsonOutput.Print(answer);
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
                verb.Screen.Line($"  error: {Plain.OneLine(error)}");
        }

        if (answer.GetProperty("more").GetBoolean())
            verb.Screen.Line("There are more; show them with --limit N.");
        if (messages.Any(m => m.ParkedAt is not null || m.NextAttemptAt is not null))
            verb.Screen.Line(
                "hive parked retry ID delivers a failed message again at once; hive parked drop ID discards it."
            );
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
                ? string.Create(CultureInfo.InvariantCulture, $"retried at {at.ToLocalTime():HH:mm:ss}")
                : "unread";
        return (words + attempts, "bold yellow");
    }

    private static void Show(VerbContext verb, Message message, string to, string state, string style)
    {
        var answers = message.InReplyTo is { } id ? string.Create(CultureInfo.InvariantCulture, $", answers {id}") : "";
        var sent = message.SentAt.ToLocalTime();
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"{sent:yyyy-MM-dd HH:mm:ss}  {message.From}{to}  (message {message.Id}{answers}){state}"
        );
        verb.Screen.Styled(head, style);
        verb.Screen.Indented(message.Sentence ?? message.Body);
    }

    private static void Show(VerbContext verb, Message[] messages, long unread)
    {
        if (messages.Length == 0)
        {
            verb.Screen.Line("No messages yet.");
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
                    $"{unread} unread; hive inbox --ack marks the shown messages as read."
                )
        );
    }
}
