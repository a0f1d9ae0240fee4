using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Changes the tasks that an agent can take. Its configuration counts again once that is cleared.</summary>
internal static class ChangeWork
{
    internal sealed record Command(
        string Name,
        IReadOnlyList<string>? Capabilities = null,
        int? Capacity = null,
        IReadOnlyList<string>? Tags = null,
        IReadOnlyList<string>? Phases = null,
        string? Duty = null,
        IReadOnlyList<string>? Clear = null
    ) : IRequest<KnownAgent>, IWorkChange;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => WorkChanges.Check(this);
    }

    internal sealed class Handler(WorkChanges changes, Registry registry) : IRequestHandler<Command, KnownAgent>
    {
        public async Task<KnownAgent> Handle(Command command, CancellationToken cancellationToken) =>
            registry.Of(await changes.Store(command, cancellationToken));
    }
}
