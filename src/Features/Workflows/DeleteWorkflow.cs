using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using MediatR;

namespace Hive.Features.Workflows;

/// <summary>Removes a workflow that no ticket uses.</summary>
internal static class DeleteWorkflow
{
    internal sealed record Command(string Name) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleFor(c => c.Name)
                .Length(1, WorkflowReader.MaxName)
                .WithMessage($"'name' must have 1 to {WorkflowReader.MaxName} characters");
    }

    internal sealed class Handler(IStore store, WorkflowSet workflows, IEnumerable<IWorkflowTickets> tickets)
        : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var workflow = workflows.RequireView(command.Name);
                    if (workflow.IsDefault)
                        throw Problem.Conflict(
                            $"'{workflow.Name}' is the default workflow; load another one with 'default' first"
                        );
                    TicketPlace[] used = [.. tickets.SelectMany(t => t.In(write.Db, workflow.Name))];
                    if (used.Length > 0)
                        throw Problem.Conflict(
                            $"'{workflow.Name}' is used by {LoadWorkflow.Named(used)}; delete them first, also those "
                                + "that have ended"
                        );
                    workflows.Remove(write, workflow.Name);
                    return Done.Instance;
                },
                CancellationToken.None
            );
    }
}
