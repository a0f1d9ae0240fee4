using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;

namespace Hive.Features.Meta;

/// <summary>
/// Keeps the updates of inputs that were answered and have not ended, so that a start carries on with them. A row names
/// revisions, because the names of inputs change while agents are updated one after another.
/// </summary>
internal sealed class InputUpdates(IStore store, TimeProvider clock)
{
    /// <summary>Stores an update that begins.</summary>
    /// <param name="moved">The inputs with a newer revision.</param>
    /// <param name="trailers">Of its commits; they name its approval.</param>
    public async Task<InputUpdate> Add(IReadOnlyList<MovedInput> moved, string? trailers)
    {
        var at = clock.GetUtcNow().ToUnixTimeMilliseconds();
        const string Insert = """
            INSERT INTO input_updates (moved, trailers, asked_at)
            VALUES (@json, @trailers, @at)
            RETURNING id
            """;
        var json = JsonSerializer.Serialize(moved, WireJson.Options);
        var id = await store.Write(
            write =>
                write.Db.ExecuteScalar<long>(
                    Insert,
                    new
                    {
                        json,
                        trailers,
                        at,
                    }
                ),
            CancellationToken.None
        );
        return new InputUpdate(id, moved, trailers);
    }

    /// <summary>Removes an update that has ended.</summary>
    public Task Remove(InputUpdate update) =>
        store.Write(
            write => write.Db.Execute("DELETE FROM input_updates WHERE id = @Id", new { update.Id }),
            CancellationToken.None
        );

    /// <summary>The updates that have not ended, the oldest first.</summary>
    public Task<InputUpdate[]> All(CancellationToken ct) =>
        store.Read(
            db =>
                db.Query<Row>("SELECT id, moved, trailers FROM input_updates ORDER BY id")
                    .Select(row => row.ToUpdate())
                    .ToArray(),
            ct
        );

    private sealed record Row
    {
        public required long Id { get; init; }

        public object? Moved { get; init; }

        public object? Trailers { get; init; }

        public InputUpdate ToUpdate() => new(Id, Read(), LooseValue.Text(Trailers));

        // A row that cannot be read moves nothing, and is removed like one that has ended.
        private MovedInput[] Read()
        {
            try
            {
                var moved = JsonSerializer.Deserialize<MovedInput?[]>(LooseValue.Text(Moved) ?? "[]", WireJson.Options);
                return
                [
                    .. (moved ?? [])
                        .OfType<MovedInput>()
                        .Where(m => m is { From: not null, To: { Rev: not null, Url: not null } })
                        .DistinctBy(m => m.From),
                ];
            }
            catch (JsonException)
            {
                return [];
            }
        }
    }
}

/// <summary>An update of inputs that has not ended.</summary>
/// <param name="Id">Its row.</param>
/// <param name="Moved">The inputs with a newer revision.</param>
/// <param name="Trailers">Of its commits; they name its approval, if it has one.</param>
internal sealed record InputUpdate(long Id, IReadOnlyList<MovedInput> Moved, string? Trailers);

/// <summary>An input with a newer revision.</summary>
/// <param name="Name">Its name in the swarm's lock when the update began.</param>
/// <param name="From">The revision that agents have until they are updated.</param>
/// <param name="To">The newer one.</param>
internal sealed record MovedInput(string Name, LockedInput From, LockedInput To);
