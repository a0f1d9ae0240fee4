using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Lists the tools that an agent may call, for its MCP bridge.</summary>
internal static class ListTools
{
    internal sealed record Query(Caller Caller) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<Tool> Tools);

    internal sealed class Handler(ToolCatalog catalog) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(catalog.For(request.Caller)));
    }
}
