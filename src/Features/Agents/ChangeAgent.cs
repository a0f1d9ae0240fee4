using System.ComponentModel;
using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Changes the tasks that an agent can take, under the names of <c>/api/v1</c>. Its configuration counts again
/// once that is cleared.</summary>
internal static class ChangeAgent
{
    internal sealed record Command(
        string Name,
        IReadOnlyList<string>? Capabilities = null,
        [property: Description("Tasks at once, from 1 to 16.")] int? Capacity = null,
        IReadOnlyList<string>? Tags = null,
        [property: Description("Empty for all phases.")] IReadOnlyList<string>? Phases = null,
        [property: Description("worker, validator or none.")] string? Duty = null,
        [property: Description("Fields that follow agent.yaml again: capabilities, capacity, tags, phases, duty.")]
            IReadOnlyList<string>? Clear = null
    ) : IRequest<RegisteredAgent>, IWorkChange;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => WorkChanges.Check(this);
    }

    internal sealed class Handler(WorkChanges changes, Registry registry) : IRequestHandler<Command, RegisteredAgent>
    {
        public async Task<RegisteredAgent> Handle(Command command, CancellationToken cancellationToken) =>
            RegisteredAgent.Of(registry.Of(await changes.Store(command, cancellationToken)));
    }
}
