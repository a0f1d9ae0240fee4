using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Adds an artifact to a ticket: a state file of any agent, a shared file, JSON, or a commit.</summary>
internal static partial class AddArtifact
{
    /// <param name="Ticket">The ticket.</param>
    /// <param name="Type">The artifact's type.</param>
    /// <param name="PhaseId">The phase; null for the ticket's own.</param>
    /// <param name="Path">The file.</param>
    /// <param name="Content">The JSON, at most 16 KiB.</param>
    /// <param name="Caller">Who adds it.</param>
    /// <param name="Commit">The commit, 7 to 40 hexadecimal digits.</param>
    /// <param name="Repository">Its repository: <c>forge:&lt;owner&gt;/&lt;name&gt;</c>, or a folder of any
    /// agent.</param>
    /// <param name="Key">Text of the caller's own: a repeated call with it gets the first one's answer.</param>
    internal sealed record Command(
        long Ticket,
        string Type,
        Caller Caller,
        string? PhaseId = null,
        string? Path = null,
        JsonObject? Content = null,
        string? Commit = null,
        string? Repository = null,
        string? Key = null
    ) : IRequest<Artifact>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Ticket).MustBeIdOf("ticket", "ticket");
            RuleFor(c => c.Type).MustBeText(4 * TaskEvidence.TypeLength);
            RuleFor(c => c.PhaseId).MustBeText(100);
            RuleFor(c => c.Path).MustBeText(4096);
            RuleFor(c => c.Commit).MustBeText(100);
            RuleFor(c => c.Repository).MustBeText(4096);
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(
        IStore store,
        TaskEvidence evidence,
        GateReader reader,
        IWorkflows workflows,
        IdempotencyKeys keys
    ) : IRequestHandler<Command, Artifact>
    {
        private const string Name = "artifact_add";

        public async Task<Artifact> Handle(Command command, CancellationToken cancellationToken)
        {
            var before = await store.Read(
                db =>
                {
                    PhaseOf(command, reader.Require(db, command.Ticket));
                    return command.Key is null ? null : keys.Find<Artifact>(db, command.Caller.Name, Name, command.Key);
                },
                cancellationToken
            );
            if (before is not null)
                return before;
            var collected = (CollectedArtifact[])
                await evidence.Collect(
                    OwnerOf(command),
                    (command.Ticket, null),
                    [new HandedIn(command.Type, command.Path, command.Commit, command.Repository, command.Content)],
                    cancellationToken
                );
            try
            {
                return await store.Write(
                    write =>
                        keys.Once(
                            write,
                            command.Caller.Name,
                            Name,
                            command.Key,
                            () => Store(write, command, collected)
                        ),
                    CancellationToken.None
                );
            }
            finally
            {
                evidence.Done(command.Ticket, collected);
            }
        }

        private Artifact Store(IWrite write, Command command, CollectedArtifact[] collected)
        {
            var ticket = reader.Require(write.Db, command.Ticket);
            if (ticket.IsDone)
                throw Problem.Conflict($"ticket {ticket.Id} has ended; make a follow-up");
            return evidence.Store(write, (ticket.Id, PhaseOf(command, ticket), null), collected, command.Caller.Name)[
                0
            ];
        }

        private string PhaseOf(Command command, TicketEntry ticket)
        {
            if (command.PhaseId is not { } phase)
                return ticket.PhaseId;
            string[] phases = [.. (workflows.Find(ticket.Workflow)?.Phases ?? []).Select(p => p.Id)];
            return phases.Contains(phase)
                ? phase
                : throw Problem.Invalid(
                    $"the workflow of ticket {ticket.Id} does not have the phase '{phase}'; there are "
                        + string.Join(", ", phases)
                );
        }

        // The operator may hand in the file of any agent; the reader opens only what that agent could hand in.
        private static string OwnerOf(Command command) =>
            AddArtifact.OwnerOf(command.Path ?? command.Repository ?? "") ?? command.Caller.Name;
    }

    /// <summary>The agent whose state folder a path lies below; null for another one.</summary>
    public static string? OwnerOf(string path) =>
        Owner().Match(path) is { Success: true } owner ? owner.Groups[1].Value : null;

    [GeneratedRegex("(?:\\A|/)agents/([^/]+)/state/")]
    private static partial Regex Owner();
}
