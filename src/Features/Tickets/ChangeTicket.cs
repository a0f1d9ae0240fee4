using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Changes a ticket in one write, all or nothing.</summary>
internal static class ChangeTicket
{
    /// <summary>A block to begin.</summary>
    internal sealed record Block(
        [property: Description("dependency, waiting_on_clarification, failing_checks, environment or budget.")]
            string Type,
        [property: Description("What has to happen before it can go on.")] string? Reason = null
    );

    /// <summary>A link to another ticket; exactly one of the two.</summary>
    internal sealed record Link(
        [property: Description("A ticket that must be done before this one.")] long? Blocker = null,
        [property: Description("A ticket that waits for this one.")] long? Blocked = null
    );

    internal sealed record Command(
        [property: Description("The ticket.")] long Id,
        Caller Caller,
        [property: Description("Replaces its title.")] string? Title = null,
        [property: Description("Replaces its description, at most 16 KiB.")] string? Description = null,
        [property: Description("CRITICAL, HIGH, MEDIUM or LOW.")] string? Priority = null,
        [property: Description("Replaces its labels.")] IReadOnlyList<string>? Labels = null,
        [property: Description("When it should be done, such as 2026-01-31T12:00:00Z.")]
            DateTimeOffset? DeadlineAt = null,
        [property: Description(
            "Replaces its repository, while no commit is evidence: forge:<owner>/<name>, or a folder of an agent."
        )]
            string? Repository = null,
        [property: Description(
            "The phase to move it to. With a reason, a move to an earlier phase makes a rework task of the reason."
        )]
            string? ToPhase = null,
        [property: Description("Instead of to_phase: backlog, analyzing, building, testing or done.")]
            string? ToStatus = null,
        [property: Description("The reason of the move, or the feedback for the rework.")] string? Reason = null,
        [property: Description("Blocks it: its tasks wait, and it keeps its phase.")] Block? Block = null,
        [property: Description("True ends its block.")] bool? Unblock = null,
        [property: Description("Lets this ticket wait for another one, or another one for this.")] Link? Link = null,
        [property: Description("Removes such a link.")] Link? Unlink = null,
        [property: Description("Added to its history.")] string? Comment = null,
        [property: Description("The ticket of the same column above which it is placed; 0 for the column's end.")]
            long? Before = null
    ) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("ticket");
            RuleFor(c => c.Title).MustBeTitle();
            RuleFor(c => c.Description).MustBeText(TicketRules.DescriptionBytes);
            RuleFor(c => c.Priority).MustBePriority();
            RuleFor(c => c.Labels).MustBeLabels();
            RuleFor(c => c.Repository).MustBeRepository();
            RuleFor(c => c.Reason).MustBeReason("reason");
            RuleFor(c => c.Comment).MustBeReason("comment");
            When(
                c => c.Block is not null,
                () =>
                {
                    RuleFor(c => (string?)c.Block!.Type).MustBeBlockType();
                    RuleFor(c => c.Block!.Reason).MustBeReason("reason");
                }
            );
            RuleFor(c => c)
                .Must(c => c.ToPhase is null || c.ToStatus is null)
                .WithMessage("give one of 'to_phase' and 'to_status'")
                .Must(c => c.Unblock != false)
                .WithMessage("'unblock' can only be true; use 'block' to block it")
                .Must(c => c.Block is null || (c.Unblock is null && c.ToPhase is null && c.ToStatus is null))
                .WithMessage("'block' goes together neither with 'unblock' nor with a move")
                .Must(c => IsLink(c.Link) && IsLink(c.Unlink))
                .WithMessage("a link has exactly one of 'blocker' and 'blocked'")
                .Must(c => c.Before is null or >= 0)
                .WithMessage("'before' must be the id of a ticket, or 0 for the end of the column")
                .Must(c => c with { Id = 0, Caller = null!, Reason = null } != new Command(0, null!))
                .WithMessage("nothing to change; give at least one field besides 'id' and 'reason'");
        }

        private static bool IsLink(Link? link) => link is null || (link.Blocker is null) != (link.Blocked is null);
    }

    internal sealed class Handler(MoveWrites moves, TicketSteps steps, TicketViews views, IFileReferences references)
        : IRequestHandler<Command, Ticket>
    {
        public async Task<Ticket> Handle(Command command, CancellationToken cancellationToken)
        {
            var refs = command.Description is { } text ? await references.ScanAs(command.Caller.Name, text) : null;
            return await moves.Write(write =>
            {
                Apply(write, command, refs);
                return views.Whole(write.Db, command.Id);
            });
        }

        private void Apply(IWrite write, Command command, IReadOnlyList<string>? refs)
        {
            var (id, actor) = (command.Id, command.Caller.Name);
            var row = TicketTable.Require(write.Db, id);
            var onlyComment = command with { Comment = null, Reason = null } == new Command(id, command.Caller);
            if (row.IsDone && !onlyComment)
                throw MoveRules.Ended(row);
            if (command.Comment is { } comment)
                steps.Comment(write, id, comment, actor);
            steps.Edit(
                write,
                id,
                new TicketSteps.Edits(
                    command.Title,
                    command.Description,
                    refs,
                    command.Priority,
                    command.Labels,
                    command.DeadlineAt,
                    command.Repository
                ),
                actor
            );
            if (command.Link is { } link)
                steps.Link(write, link.Blocker ?? id, link.Blocked ?? id, actor);
            if (command.Unlink is { } unlink)
                steps.Unlink(write, unlink.Blocker ?? id, unlink.Blocked ?? id, actor);
            if (command.Unblock == true)
                steps.Unblock(write, id, actor, command.Reason);
            if (command.ToPhase is not null || command.ToStatus is not null)
                steps.Move(write, id, command.ToPhase, command.ToStatus, actor, command.Reason);
            if (command.Block is { } block)
                steps.Block(write, id, block.Type, block.Reason ?? command.Reason, actor);
            if (command.Before is { } before)
                steps.Place(write, id, before);
        }
    }
}
