using Hive.Common.Doctor;
using Hive.Common.Errors;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Doctor;

/// <summary>Tells whether the host takes commands: an answer when it does, a refusal with the reason when it does
/// not.</summary>
internal static class ShowReadiness
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(bool Ready);

    internal sealed class Handler(IEnumerable<ITrouble> troubles, IHostApplicationLifetime lifetime)
        : IRequestHandler<Query, Result>
    {
        /// <exception cref="Problem">Code <c>unavailable</c>: it takes none.</exception>
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested)
                throw Problem.Unavailable("Hive is stopping; try again when it is back");
            var found = await Task.WhenAll(troubles.Select(t => t.Find()));
            return found.SelectMany(f => f).FirstOrDefault(t => !t.TakesCommands) is { } trouble
                ? throw Problem.Unavailable(trouble.Brief)
                : new Result(true);
        }
    }
}
