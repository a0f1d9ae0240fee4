using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Makes a ticket; its first tasks are made with it.</summary>
internal static class CreateTicket
{
    internal sealed record Command(
        [property: Description("What is to be done, in one line of at most 500 characters.")] string Title,
        Caller Caller,
        [property: Description("More about it, at most 16 KiB.")] string? Description = null,
        [property: Description("Left out: the default workflow.")] string? Workflow = null,
        [property: Description("The phase that it begins in. Left out: the first.")] string? PhaseId = null,
        [property: Description("CRITICAL, HIGH, MEDIUM (the default) or LOW.")] string? Priority = null,
        [property: Description("At most 20 words to find it by.")] IReadOnlyList<string>? Labels = null,
        [property: Description("forge:<owner>/<name>, or a folder of an agent.")] string? Repository = null,
        [property: Description("When it should be done, such as 2026-01-31T12:00:00Z.")]
            DateTimeOffset? DeadlineAt = null,
        [property: Description("Ids of tickets that must be done first.")] IReadOnlyList<long>? BlockedBy = null,
        [property: Description("The ticket that it follows up.")] long? Parent = null,
        [property: Description("Tasks besides those of the workflow, at most 200.")]
            IReadOnlyList<TaskSpec>? Tasks = null,
        [property: Description(
            "Any text of your own: repeating a call with it within 24 hours makes no second ticket."
        )]
            string? Key = null
    ) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => (string?)c.Title).MustBeTitle();
            RuleFor(c => c.Description).MustBeText(TicketRules.DescriptionBytes);
            RuleFor(c => c.Priority).MustBePriority();
            RuleFor(c => c.Labels).MustBeLabels();
            RuleFor(c => c.Repository).MustBeRepository();
            RuleFor(c => c.BlockedBy)
                .Must(ids => ids is null || ids.Count <= Links.Most)
                .WithMessage($"'blocked_by' may have {Links.Most} tickets");
            RuleFor(c => c.Tasks)
                .Must(tasks => tasks is null || tasks.Count <= TicketRules.Tasks)
                .WithMessage($"'tasks' may have {TicketRules.Tasks} entries; add the rest afterwards");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(
        IStore store,
        NewTickets tickets,
        TicketViews views,
        IdempotencyKeys keys,
        IFileReferences references
    ) : IRequestHandler<Command, Ticket>
    {
        public async Task<Ticket> Handle(Command command, CancellationToken cancellationToken)
        {
            var caller = command.Caller.Name;
            var refs = await references.ScanAs(caller, command.Description ?? "");
            return await store.Write(
                write =>
                {
                    var made = keys.Once(
                        write,
                        caller,
                        "create_ticket",
                        command.Key,
                        () =>
                            new Made(
                                tickets.Make(
                                    write,
                                    new NewTicket(
                                        Title: command.Title,
                                        Description: command.Description,
                                        DescriptionRefs: refs,
                                        Workflow: command.Workflow,
                                        PhaseId: command.PhaseId,
                                        Priority: command.Priority,
                                        Labels: command.Labels,
                                        Repository: command.Repository,
                                        DeadlineAt: command.DeadlineAt,
                                        BlockedBy: command.BlockedBy ?? [],
                                        Parent: command.Parent,
                                        Tasks: command.Tasks ?? []
                                    ),
                                    caller
                                )
                            )
                    );
                    return views.Whole(write.Db, made.Id);
                },
                CancellationToken.None
            );
        }

        private sealed record Made(long Id);
    }
}
