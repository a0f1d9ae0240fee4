using System.Data.Common;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Packs again what a phase hands on.</summary>
internal static class UpdateContext
{
    /// <param name="Id">The ticket.</param>
    /// <param name="PhaseId">The phase; null for the ticket's own.</param>
    internal sealed record Command(long Id, string? PhaseId = null) : IRequest<Result>;

    /// <param name="Status"><c>updated</c>.</param>
    internal sealed record Result(string Status);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(IStore store, GateReader reader, PhaseContexts contexts, IWorkflows workflows)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            // Packing reads all tasks of the ticket, which a write does not wait for.
            bool isStored;
            do
            {
                var (packed, rev) = await store.Read(db => Pack(db, command), cancellationToken);
                isStored = await store.Write(
                    write =>
                    {
                        if (reader.Require(write.Db, command.Id).GateRev != rev)
                            return false;
                        contexts.Store(write, packed);
                        return true;
                    },
                    CancellationToken.None
                );
            } while (!isStored);

            return new Result("updated");
        }

        private (PhaseContexts.Packed Packed, long Rev) Pack(DbConnection db, Command command)
        {
            var ticket = reader.Require(db, command.Id);
            var phase = command.PhaseId ?? ticket.PhaseId;
            if (workflows.Find(ticket.Workflow)?.Phases.Any(p => p.Id == phase) != true)
                throw Problem.NotFound($"the workflow of ticket {ticket.Id} does not have that phase");
            return (contexts.Pack(db, ticket, phase), ticket.GateRev);
        }
    }
}
