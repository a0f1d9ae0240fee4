using System.ComponentModel;
using System.Data.Common;
using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Collaboration;

/// <summary>Opens a thread, posts to it, reads it or closes it.</summary>
internal static class UseThread
{
    // The rest of an answer's line is the thread's and the door's.
    private const int AnswerBytes = 48 * 1024;
    private const int MostPosts = 100;

    internal static class Actions
    {
        public const string Open = "open",
            Post = "post",
            Read = "read",
            Close = "close";

        public static readonly string[] All = [Open, Post, Read, Close];
    }

    internal sealed record Command(
        Caller Caller,
        [property: Description("open, post, read or close.")] string Action,
        [property: Description("The thread; for read, left out: those that you are in and that are active.")]
            long? Thread = null,
        [property: Description(
            "With post: the text, at most 4096 bytes; for more, write a file under /shared and name its path. With "
                + "open: the first post."
        )]
            string? Text = null,
        [property: Description("With open: what it is about, at most 200 characters.")] string? Subject = null,
        [property: Description("With open: names of workers and validators, or operator; at most 16 with you.")]
            IReadOnlyList<string>? Participants = null,
        [property: Description(
            "With open: its kind, such as discussion, review or consultation. With post: such as info or question."
        )]
            string? Type = null,
        [property: Description("With open: the ticket that it is about.")] long? Ticket = null,
        [property: Description("With open: the task that it is about.")] long? Task = null,
        [property: Description("With close: resolved or abandoned.")] string? Status = null,
        [property: Description("With read: only posts with lower ids, for the page before.")] long? Before = null,
        [property: Description("With read: at most that many posts, up to 100.")] int Limit = 20,
        [property: Description("Any text of your own: a repeated call with the same key changes nothing again.")]
            string? Key = null
    ) : IRequest<Result>;

    /// <param name="Thread">The thread.</param>
    /// <param name="Post">The post.</param>
    /// <param name="Posts">The posts, the newest first.</param>
    /// <param name="Threads">The caller's active threads, the newest first.</param>
    /// <param name="More">There are older posts; read them with <c>before</c>.</param>
    internal sealed record Result(
        ThreadView? Thread = null,
        PostView? Post = null,
        IReadOnlyList<PostView>? Posts = null,
        IReadOnlyList<ThreadView>? Threads = null,
        bool? More = null
    ) : ICountsMessages
    {
        int ICountsMessages.Messages => Post is null ? 1 : Collaboration.Threads.MostParticipants;
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IRoster roster, AgentFolders folders, IAgentNames names)
        {
            RuleFor(c => c.Action)
                .Must(action => Actions.All.Contains(action))
                .WithMessage($"'action' can be {string.Join(", ", Actions.All)}");
            RuleFor(c => c.Thread).MustBeIdIn("thread");
            RuleFor(c => c.Thread)
                .NotNull()
                .When(c => c.Action is Actions.Post or Actions.Close)
                .WithMessage("name the 'thread'");
            When(
                c => c.Action == Actions.Post || (c.Action == Actions.Open && c.Text is not null),
                () => RuleFor(c => c.Text!).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders))
            );
            RuleFor(c => c.Subject).MustBeSubject();
            RuleFor(c => c.Subject)
                .NotNull()
                .When(c => c.Action == Actions.Open)
                .WithMessage("'subject' is missing; say what the thread is about");
            RuleFor(c => c.Participants).MustBeParticipants(names);
            RuleFor(c => c.Participants)
                .NotEmpty()
                .When(c => c.Action == Actions.Open)
                .WithMessage("'participants' is empty; name those who are to read the thread");
            RuleFor(c => c.Type).MustBeType("type");
            RuleFor(c => c.Ticket).MustBeIdIn("ticket");
            RuleFor(c => c.Task).MustBeIdIn("task");
            RuleFor(c => c.Status).MustBeStatus([ThreadStatus.Resolved, ThreadStatus.Abandoned]);
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(
        IStore store,
        Threads threads,
        ThreadTable table,
        IFileReferences references,
        IdempotencyKeys keys
    ) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            if (command.Action == Actions.Read)
                return await store.Read(db => Read(db, command), cancellationToken);
            var refs = command.Text is { } text ? await references.ScanAs(command.Caller.Name, text) : [];
            return await store.Write(
                write =>
                    keys.Once(
                        write,
                        command.Caller.Name,
                        $"thread {command.Action}",
                        command.Key,
                        () => Store(write, command, refs)
                    ),
                CancellationToken.None
            );
        }

        private Result Store(IWrite write, Command command, IReadOnlyList<string> refs)
        {
            if (command.Action == Actions.Open)
                return Open(write, command, refs);
            var thread = Threads.Require(write.Db, command.Caller, command.Thread!.Value);
            if (command.Action == Actions.Post)
                return new Result(Post: Post(write, command, thread, refs, command.Type));
            var closed = threads.Close(write, thread, command.Status ?? ThreadStatus.Resolved);
            return new Result(ThreadTable.View(write.Db, closed));
        }

        private Result Open(IWrite write, Command command, IReadOnlyList<string> refs)
        {
            var thread = threads.Open(
                write,
                command.Caller,
                new NewThread(
                    command.Type ?? "discussion",
                    command.Subject!,
                    command.Participants!,
                    command.Ticket,
                    command.Task
                )
            );
            if (command.Text is null)
                return new Result(ThreadTable.View(write.Db, thread));
            var post = Post(write, command, thread, refs, type: null);
            return new Result(ThreadTable.View(write.Db, ThreadTable.Require(write.Db, thread.Id)), post);
        }

        private PostView Post(
            IWrite write,
            Command command,
            ThreadRow thread,
            IReadOnlyList<string> refs,
            string? type
        ) =>
            table.View(
                write.Db,
                threads.Say(write, command.Caller, thread, new NewPost(command.Text!, type ?? "info", refs))
            );

        private Result Read(DbConnection db, Command command)
        {
            if (command.Thread is not { } id)
                return command.Caller.Kind == CallerKind.Operator
                    ? throw Problem.Invalid("name the 'thread'; the command threads lists them")
                    : new Result(Threads: Own(db, command.Caller.Name));
            var thread = Threads.Require(db, command.Caller, id);
            var limit = Math.Clamp(command.Limit, 1, MostPosts);
            var posts = table.Views(db, ThreadTable.Posts(db, id, limit + 1, command.Before));
            var left = AnswerBytes;
            PostView[] shown = [.. posts.Take(limit).TakeWhile((post, i) => (left -= Length(post)) >= 0 || i == 0)];
            return new Result(
                ThreadTable.View(db, thread),
                Posts: shown,
                More: shown.Length < posts.Count ? true : null
            );
        }

        private static ThreadView[] Own(DbConnection db, string agent)
        {
            var left = AnswerBytes;
            var all = ThreadTable.List(db, new ThreadFilter(agent, Status: ThreadStatus.Active));
            return [.. ThreadTable.Views(db, all).TakeWhile(thread => (left -= Length(thread)) >= 0)];
        }

        private static int Length<T>(T part) => JsonSerializer.SerializeToUtf8Bytes(part, WireJson.Options).Length + 1;
    }
}
