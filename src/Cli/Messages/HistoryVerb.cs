using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Messages;

/// <summary><c>hive messages</c>: lists messages between all principals, and follows new ones.</summary>
internal static class HistoryVerb
{
    // The host's page.
    private const int Most = 200;

    private static readonly Screen.Column[] Heads =
    [
        "id",
        "sent",
        Screen.Column.Name("from"),
        Screen.Column.Name("to"),
        "state",
        Screen.Column.Text("message"),
    ];

    public static Command Create()
    {
        var agent = Name("--agent", "Only messages from or to this one");
        var with = Name("--with", "Of those, only messages from or to this one");
        var since = new Option<string?>("--since")
        {
            Description = "Only messages sent since then: 90m, 24h, 7d, today, or 2026-01-31T12:00:00Z",
            HelpName = "TIME",
        };
        var search = new Option<string?>("--search")
        {
            Description = "Only messages that contain these words",
            HelpName = "WORDS",
        };
        var kind = new Option<string?>("--kind")
        {
            Description = "Only messages of this kind: agents (between them), operator, system or reminders",
            HelpName = "KIND",
        }.CompletedBy("agents", "operator", "system", "reminders");
        var state = new Option<string?>("--state")
        {
            Description = "Only messages in this state: unread or parked",
            HelpName = "STATE",
        }.CompletedBy("unread", "parked");
        var thread = new Option<long?>("--thread")
        {
            Description = "Only messages of the thread of this one",
            HelpName = "ID",
        };
        var follow = new Option<bool>("-f", "--follow") { Description = "Follow new messages until Ctrl-C" };
        var limit = CommonOptions.Limit(20);
        var command = Verb.Create(
            "messages",
            "List messages between agents, the operator and the host, newest last.",
            async (verb, parsed) =>
            {
                var who = parsed.GetValue(agent) is { } name ? CommonOptions.WithoutAt(name) : null;
                var other = parsed.GetValue(with) is { } second ? CommonOptions.WithoutAt(second) : null;
                var filter = new Filter(
                    who,
                    other,
                    parsed.GetValue(since) is { } then ? TimeOf(then) : null,
                    parsed.GetValue(search),
                    parsed.GetValue(kind),
                    parsed.GetValue(state),
                    parsed.GetValue(thread),
                    Math.Clamp(parsed.GetValue(limit), 0, Most)
                );
                if (parsed.GetValue(follow) && filter is not { Search: null, Kind: null, State: null, Thread: null })
                    throw new UsageException("-f follows by --agent and --with; without -f, the other filters work");
                if (parsed.GetValue(follow))
                    await FollowAsync(verb, filter);
                else
                    Show(verb, await FindAsync(verb, filter));
            },
            agent,
            with,
            since,
            search,
            kind,
            state,
            thread,
            follow,
            limit,
            CommonOptions.Wide()
        );
        command.Subcommands.Add(Done());
        command.Subcommands.Add(Unread());
        return command;
    }

    private static Command Done()
    {
        var ids = Ids("Messages to you, from hive inbox");
        return Verb.Create(
            "done",
            "Mark messages to you as read.",
            async (verb, parsed) =>
            {
                var wanted = parsed.GetRequiredValue(ids);
                var answer = await verb.CallAsync("ack_messages", new { ids = wanted });
                var acked = answer.TryGetProperty("acked", out var count) ? count.GetInt32() : wanted.Length;
                var rest = acked < wanted.Length ? "; the others are not unread messages to you" : "";
                verb.Report(answer, Invariant($"{acked} of {wanted.Length} marked as read{rest}"));
            },
            ids
        );
    }

    private static Command Unread()
    {
        var ids = Ids("Messages to you, from hive inbox or hive messages");
        return Verb.Create(
            "unread",
            "Make messages to you unread again.",
            (verb, parsed) =>
                VerbContext.EachAsync(
                    parsed.GetRequiredValue(ids),
                    "message",
                    async id =>
                        verb.Report(
                            await verb.CallAsync("unread_message", new { id }),
                            Invariant($"message {id} is unread again")
                        )
                ),
            ids
        );
    }

    private static Argument<long[]> Ids(string description) =>
        new Argument<long[]>("ID") { Description = description, Arity = ArgumentArity.OneOrMore }.CompletedBy(
            Known.InboxAsync
        );

    private static Option<string?> Name(string name, string description) =>
        new Option<string?>(name) { Description = description, HelpName = "NAME" }.CompletedBy(Known.AgentsAsync);

    private static DateTimeOffset TimeOf(string text)
    {
        if (text == "today")
            return new DateTimeOffset(DateTime.Today);
        if (CommonOptions.SpanOf(text) is { } ago)
            return DateTimeOffset.UtcNow - ago;
        if (CommonOptions.InstantOf(text) is { } at)
            return at;
        throw new UsageException(
            $"'{text}' is not valid for --since; write 90m, 24h, 7d, today, or an instant such as 2026-01-31T12:00:00Z"
        );
    }

    private static async Task<Message[]> FindAsync(VerbContext verb, Filter filter)
    {
        List<Message> found = [];
        long? before = null;
        while (found.Count < filter.Limit)
        {
            var page = (
                await verb.CallAsync(
                    "messages",
                    new
                    {
                        before,
                        agent = filter.Agent,
                        with = filter.With,
                        since = filter.Since,
                        q = filter.Search,
                        kind = filter.Kind,
                        state = filter.State,
                        thread = filter.Thread,
                    }
                )
            ).GetProperty("messages").Deserialize<Message[]>(WireJson.Options)!;
            if (page.Length == 0)
                break;
            found.InsertRange(0, page.Where(filter.Fits));
            before = page.Min(m => m.Id);
        }

        return [.. found.OrderBy(m => m.Id).TakeLast(filter.Limit)];
    }

    private static async Task FollowAsync(VerbContext verb, Filter filter)
    {
        var fields = new { agent = filter.Agent, with = filter.With };
        var shown = long.MinValue;
        try
        {
            await foreach (var line in verb.StreamAsync("follow_messages", fields))
            {
                // The first line says that the host follows; a message between it and the list comes in both.
                Message[] messages = line.TryGetProperty("message", out var added)
                    ? [added.Deserialize<Message>(WireJson.Options)!]
                    : await FindAsync(verb, filter);
                foreach (var message in messages.Where(m => m.Id > shown))
                {
                    shown = message.Id;
                    if (verb.Json)
                        JsonOutput.Print(
                            new JsonObject { ["message"] = JsonSerializer.SerializeToNode(message, WireJson.Options) }
                        );
                    else
                        verb.Screen.Row(
                            $"{Sent(message)}  {message.Id}  {message.From} → {message.To}  {Words(message)}",
                            "default"
                        );
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is the normal end.
        }
    }

    private static void Show(VerbContext verb, Message[] messages)
    {
        if (verb.Json)
            JsonOutput.Print(
                new JsonObject { ["messages"] = JsonSerializer.SerializeToNode(messages, WireJson.Options) }
            );
        else if (messages.Length == 0)
            verb.Screen.Line("No messages.");
        else
            verb.Screen.Table(Heads, [.. messages.Select(Cells)]);
    }

    private static Screen.Cell[] Cells(Message message) =>
        [
            message.Id.ToString(CultureInfo.InvariantCulture),
            new Screen.Cell(Sent(message), "grey"),
            message.From,
            message.To,
            message switch
            {
                { AckedAt: not null } => new Screen.Cell("done", "grey"),
                { ParkedAt: not null } => new Screen.Cell("parked", "red bold"),
                { DeliveredAt: not null } => new Screen.Cell("working", "green"),
                _ => new Screen.Cell("unread", "yellow"),
            },
            Words(message),
        ];

    private static string Sent(Message message) =>
        message.SentAt.ToLocalTime().ToString("MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Words(Message message) => message.Sentence ?? message.Body;

    private sealed record Filter(
        string? Agent,
        string? With,
        DateTimeOffset? Since,
        string? Search,
        string? Kind,
        string? State,
        long? Thread,
        int Limit
    )
    {
        public bool Fits(Message message) => IsBy(message, Agent) && IsBy(message, With);

        private static bool IsBy(Message message, string? name) =>
            name is null || message.From == name || message.To == name;
    }
}
