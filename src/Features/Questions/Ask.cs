using System.ComponentModel;
using Dapper;
using FluentValidation;
using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Questions.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Questions;

/// <summary>Asks the operator or another agent a question; the answer comes to the asker's inbox.</summary>
internal static class Ask
{
    internal sealed record Command(
        [property: Description(
            "The question, at most 4096 bytes. For more, write a file under /shared and name its path."
        )]
            string Question,
        Caller Caller,
        [property: Description(
            "Up to 10 answers to choose from, at most 200 bytes each; any other text is accepted too."
        )]
            IReadOnlyList<string>? Options = null,
        [property: Description("True when several options may be chosen; the answer then joins them by ', '.")]
            bool? Multi = null,
        [property: Description(
            "Seconds, 1 to 21600, after which an unanswered question is answered '[expired]'. Left out: it "
                + "waits forever."
        )]
            long? TtlSeconds = null,
        [property: Description("An agent's name, or 'operator', who is asked when this is left out.")]
            string? To = null,
        [property: Description(
            "Any text of your own: repeating a call with the same key within 24 hours does not ask again."
        )]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(long Id);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IRoster roster, AgentFolders folders)
        {
            RuleFor(c => c.Question).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders));
            RuleFor(c => c.Options)
                .Must(options => options is null || options.Count <= Limits.QuestionOptions)
                .WithMessage(
                    (_, options) =>
                        $"'options' has {options!.Count} entries, the limit is {Limits.QuestionOptions}; leave some out"
                )
                .Must(options => options is null || options.Distinct().Count() == options.Count)
                .WithMessage("two of the 'options' are the same; give each once");
            RuleForEach(c => c.Options)
                .Cascade(CascadeMode.Stop)
                .NotEmpty()
                .WithMessage("one of the 'options' is empty; leave it out")
                .MustBeText(Limits.OptionBytes);
            RuleFor(c => c.TtlSeconds)
                .InclusiveBetween(1, Limits.QuestionTtlSeconds)
                .WithMessage(c =>
                    $"'ttl_seconds' is {c.TtlSeconds}; give 1 to {Limits.QuestionTtlSeconds} (6 hours), or leave "
                    + "it out to wait forever"
                );
            RuleFor(c => c.To)
                .Cascade(CascadeMode.Stop)
                .Must(to => to?.Length != 0)
                .WithMessage("'to' is empty; name an agent, or leave it out to ask the operator")
                .NotEqual(Principals.Everyone)
                .WithMessage("a question has one recipient; ask each agent, or leave 'to' out to ask the operator")
                .Must((c, to) => to != c.Caller.Name)
                .WithMessage("'to' is the asker; ask another agent or the operator, or set a reminder");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(
        IStore store,
        IRoster roster,
        IdempotencyKeys keys,
        IFileReferences references,
        IOutbox outbox,
        Deadlines<long> deadlines,
        PendingQuestions pending,
        TimeProvider clock
    ) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            roster.MustAllow(command.Caller, command.To ?? Principals.Operator);
            var refs = await references.ScanAs(command.Caller.Name, command.Question);
            return await store.Write(
                write =>
                    keys.Once(
                        write,
                        command.Caller.Name,
                        "ask",
                        command.Key,
                        () => new Result(Store(write, command, refs))
                    ),
                CancellationToken.None
            );
        }

        private long Store(IWrite write, Command command, IReadOnlyList<string> refs)
        {
            // The asker may have been destroyed while this write was queued; then nothing would cancel the question.
            roster.Require(command.Caller.Name);
            var target = command.To == Principals.Operator ? null : command.To;
            if (target is not null)
                roster.Require(target);
            if (
                write.Db.ExecuteScalar<long>(PendingSql, new { asker = command.Caller.Name }) >= Limits.PendingQuestions
            )
                throw Problem.Conflict(
                    $"{command.Caller.Name} has {Limits.PendingQuestions} pending questions, which is the limit; "
                        + "wait for an answer to one of them (loose_ends lists them), or send a message"
                );
            if (target is not null)
                outbox.MustTake(target, command.Caller.Name, command.Question);
            var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            var question = write
                .Db.QuerySingle<QuestionRow>(
                    Sql,
                    new
                    {
                        asker = command.Caller.Name,
                        target,
                        question = command.Question,
                        refs = QuestionRow.Json(refs),
                        options = QuestionRow.Json(command.Options ?? []),
                        multi = command.Multi == true,
                        now,
                        deadline = now + (command.TtlSeconds * 1000),
                    }
                )
                .ToView();
            write.Raise(new QuestionAdded(question));
            pending.Add(
                write,
                question.Asker,
                question.Id,
                PendingQuestions.Wait(question.Target, question.AskedAt, question.DeadlineAt)
            );
            if (target is not null)
                outbox.Append(
                    write,
                    Principals.System,
                    target,
                    QuestionEvents.Asked(question),
                    refs,
                    cause: command.Caller.Name
                );
            if (command.TtlSeconds is { } seconds)
                write.AfterCommit(() => deadlines.Add(question.Id, TimeSpan.FromSeconds(seconds)));
            return question.Id;
        }

        private const string PendingSql = """
            SELECT count(*)
              FROM questions INDEXED BY questions_asker
             WHERE answered_at IS NULL AND asker = @asker
            """;

        private const string Sql = $"""
            INSERT INTO questions (asker, target, question, question_refs, options, multi, asked_at, deadline_at)
            VALUES (@asker, @target, @question, @refs, @options, @multi, @now, @deadline)
            RETURNING {QuestionRow.Columns}
            """;
    }
}
