using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Collaboration;

/// <summary><c>hive threads</c>: the conversations of agents about their work.</summary>
internal static class ThreadsVerbs
{
    private static readonly string[] States = ["active", "resolved", "abandoned"];

    private static readonly Screen.Column[] Columns =
    [
        "id",
        "state",
        "type",
        Screen.Column.Text("subject"),
        "posts",
        "last",
        "ticket",
        Screen.Column.Text("participants"),
    ];

    public static Command[] All()
    {
        var threads = List();
        threads.Subcommands.Add(Show());
        threads.Subcommands.Add(Post());
        threads.Subcommands.Add(Close());
        return [threads, HandoffVerb.Create()];
    }

    private static Command List()
    {
        var ticket = new Option<long?>("--ticket")
        {
            Description = "Only threads about this ticket",
            HelpName = "ID",
        }.CompletedBy(Known.TicketsAsync);
        var agent = TicketWords
            .Text("--agent", "NAME", "Only threads that this agent is in")
            .CompletedBy(Known.AgentsAsync);
        var status = TicketWords.Text("--status", "STATUS", "active, resolved or abandoned").CompletedBy(States);
        return Verb.Create(
            "threads",
            "List the conversations of agents about their work, the newest first.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "threads",
                    new
                    {
                        ticket = parsed.GetValue(ticket),
                        agent = parsed.GetValue(agent) is { } name ? CommonOptions.WithoutAt(name) : null,
                        status = parsed.GetValue(status),
                    }
                );
                var threads = answer.GetProperty("threads").Deserialize<ThreadView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (threads.Length == 0)
                    verb.Screen.Line("No threads.");
                else
                    verb.Screen.Table(Columns, [.. threads.Select(Cells)]);
            },
            ticket,
            agent,
            status,
            CommonOptions.Wide()
        );
    }

    private static Screen.Cell[] Cells(ThreadView thread) =>
        [
            TicketWords.Number(thread.Id),
            State(thread),
            thread.Type,
            thread.Subject,
            TicketWords.Number(thread.Posts),
            new(Screen.Age(thread.LastAt), "grey"),
            thread.Ticket is { } ticket ? TicketWords.Number(ticket) : "",
            string.Join(", ", thread.Participants),
        ];

    private static Screen.Cell State(ThreadView thread) =>
        thread.Handoff is { } handoff ? new(handoff.Status, handoff.Status == "requested" ? "yellow" : "grey")
        : thread.Status == "active" ? new(thread.Status, "green")
        : new(thread.Status, "grey");

    private static Command Show()
    {
        var id = Id();
        return Verb.Create(
            "show",
            "Show a thread with its newest posts, the newest last.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "thread",
                    new
                    {
                        action = "read",
                        thread = parsed.GetRequiredValue(id),
                        limit = 100,
                    }
                );
                if (verb.Json)
                    JsonOutput.Print(answer);
                else
                    Show(
                        verb.Screen,
                        answer.GetProperty("thread").Deserialize<ThreadView>(WireJson.Options)!,
                        answer.GetProperty("posts").Deserialize<PostView[]>(WireJson.Options)!
                    );
            },
            id
        );
    }

    private static void Show(Screen screen, ThreadView thread, PostView[] posts)
    {
        var about =
            thread.Task is { } task ? Invariant($", task {task} of ticket {thread.Ticket}")
            : thread.Ticket is { } ticket ? Invariant($", ticket {ticket}")
            : "";
        screen.Marked("", State(thread), Invariant($"thread {thread.Id}: {Plain.OneLine(thread.Subject)}{about}"));
        screen.Line($"  {thread.Type} of {string.Join(", ", thread.Participants)}");
        foreach (var post in posts.Reverse())
        {
            screen.Line();
            var unread = post.UnreadBy.Count > 0 ? $", not read by {string.Join(", ", post.UnreadBy)}" : "";
            screen.Line($"{post.Author}, {Screen.Ago(post.At)}, {Plain.OneLine(post.Type)}{unread}");
            foreach (var line in post.Body.Split('\n'))
                screen.Line($"  {Plain.OneLine(line)}");
        }
    }

    private static Command Post()
    {
        var id = Id();
        var words = GivenText.Argument("TEXT", "What you say");
        var key = TicketWords.Key();
        return Verb.Create(
            "post",
            "Post to a thread: each participant gets it as a message, and you get what is said after it.",
            async (verb, parsed) =>
            {
                var thread = parsed.GetRequiredValue(id);
                var text = await GivenText.ReadAsync(
                    parsed.GetValue(words)!,
                    "the text is missing; use: hive threads post ID TEXT",
                    verb.Cancelled
                );
                verb.Report(
                    await verb.CallAsync(
                        "thread",
                        new
                        {
                            action = "post",
                            thread,
                            text,
                            key = parsed.GetValue(key),
                        }
                    ),
                    Invariant($"posted to thread {thread}")
                );
            },
            id,
            words,
            key
        );
    }

    private static Command Close()
    {
        var id = Id();
        return Verb.Create(
            "close",
            "Close a thread: nobody posts to it any more.",
            async (verb, parsed) =>
            {
                var thread = parsed.GetRequiredValue(id);
                verb.Report(
                    await verb.CallAsync("thread", new { action = "close", thread }),
                    Invariant($"thread {thread} is closed")
                );
            },
            id
        );
    }

    private static Argument<long> Id() => CommonOptions.Id("The thread's id, from hive threads", Known.ThreadsAsync);
}
