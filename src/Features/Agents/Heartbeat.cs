using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Answers how an agent is, and changes nothing: its open connection is its heartbeat.</summary>
internal static class Heartbeat
{
    internal sealed record Command(string Name) : IRequest<Result>;

    /// <param name="Success">It is connected.</param>
    /// <param name="Message">The same in words.</param>
    /// <param name="AgentHealth">Its health.</param>
    internal sealed record Result(bool Success, string Message, AgentHealth AgentHealth);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Name).MustBeAgentName();
    }

    internal sealed class Handler(IRoster roster, Liveness liveness) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var agent = roster.Require(command.Name);
            var isConnected = liveness.IsConnected(agent.Name);
            return Task.FromResult(
                new Result(
                    isConnected,
                    isConnected
                        ? $"{agent.Name} is connected; its connection is its heartbeat"
                        : $"{agent.Name} is not connected; only a connection to its socket is a heartbeat",
                    liveness.Of(agent, timeoutSeconds: null)
                )
            );
        }
    }
}
