using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Making;

/// <summary>Creates an external agent that takes tasks, under the names of <c>/api/v1</c>. A program becomes that agent
/// by a connection to its socket.</summary>
internal static class RegisterAgent
{
    internal sealed record Command(
        [property: Description("worker or validator.")] string AgentType,
        [property: Description("Left out: worker-1, worker-2 and so on.")] string? Name = null,
        IReadOnlyList<string>? Capabilities = null,
        [property: Description("Tasks at once, from 1 to 16.")] int? Capacity = null,
        [property: Description("The only phase whose tasks it takes.")] string? PhaseId = null,
        [property: Description("Instead of phase_id, for several; left out: all.")]
            IReadOnlyList<string>? Phases = null,
        IReadOnlyList<string>? Tags = null,
        [property: Description("Only idle: how an agent is follows from its connection.")] string? Status = null
    ) : IRequest<RegisteredAgent>, ICreated;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => (string?)c.AgentType).MustBeAgentType();
            RuleFor(c => c.Name)
                .Custom(
                    (name, context) =>
                    {
                        if (name is not null && names.Fault(name) is { } fault)
                            context.AddFailure(fault);
                    }
                );
            RuleFor(c => c.Capabilities).MustBeWorkWords("capabilities");
            RuleFor(c => c.Capacity).MustBeCapacity();
            RuleFor(c => c.PhaseId).MustBePhase("phase_id");
            RuleFor(c => c.Phases).MustBePhases("phases");
            RuleFor(c => c)
                .Must(c => c.PhaseId is null || c.Phases is null)
                .WithMessage("give one of 'phase_id' and 'phases'");
            RuleFor(c => c.Tags).MustBeWorkWords("tags");
            RuleFor(c => c.Status)
                .Must(status => status is null or "idle")
                .WithMessage("'status' can only be 'idle': how an agent is follows from its connection");
        }
    }

    internal sealed class Handler(Registrations registrations, IAgentRegistry registry, HivePaths paths)
        : IRequestHandler<Command, RegisteredAgent>
    {
        public async Task<RegisteredAgent> Handle(Command command, CancellationToken cancellationToken)
        {
            var setup = new AgentSetup(
                FirstConfiguration.OfWork(
                    command.AgentType,
                    WorkWords.Normalise(command.Capabilities ?? []),
                    command.Capacity,
                    [.. (command.PhaseId is { } phase ? [phase] : command.Phases ?? []).Distinct()],
                    WorkWords.Normalise(command.Tags ?? [])
                )
            );
            var name = await registrations.Spawn(command.Name, command.AgentType, setup, cancellationToken);
            return registry.Of(name) with { Socket = paths.AgentSocket(name) };
        }
    }

    /// <summary>Creates the agents one after the other where Hive chooses their names.</summary>
    internal sealed class Registrations(IAgentLifecycle lifecycle, IRoster roster) : IDisposable
    {
        private const string External = "external";

        // A conflict of another kind must not be tried for ever.
        private const int MostNames = 10_000;

        private readonly SemaphoreSlim naming = new(1, 1);

        /// <summary>Creates an external agent.</summary>
        /// <param name="name">Its name; null for the first free one of its duty.</param>
        /// <param name="duty">Its duty.</param>
        /// <param name="setup">Its configuration.</param>
        /// <param name="ct">Gives up waiting for other registrations.</param>
        /// <returns>Its name.</returns>
        public async Task<string> Spawn(string? name, string duty, AgentSetup setup, CancellationToken ct)
        {
            if (name is not null)
            {
                await lifecycle.Spawn(name, External, setup);
                return name;
            }

            await naming.WaitAsync(ct);
            try
            {
                for (var n = 1; ; n++)
                {
                    var free = $"{duty}-{n}";
                    if (roster.Find(free) is null && await Spawned(free, setup, isLast: n >= MostNames))
                        return free;
                }
            }
            finally
            {
                naming.Release();
            }
        }

        public void Dispose() => naming.Dispose();

        // False where the data of a destroyed agent is kept under that name.
        private async Task<bool> Spawned(string name, AgentSetup setup, bool isLast)
        {
            try
            {
                await lifecycle.Spawn(name, External, setup);
                return true;
            }
            catch (Problem e) when (e.Code == ErrorCode.Conflict && !isLast)
            {
                return false;
            }
        }
    }
}
