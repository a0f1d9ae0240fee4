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
    // An input on HEAD has no ref, and null members are left out.
    private static readonly JsonSerializerOptions Json = new(WireJson.Options)
    {
        RespectRequiredConstructorParameters = false,
    };

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
        var json = JsonSerializer.Serialize(moved, Json);
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

    /// <summary>Removes the update of an approval, if there is one.</summary>
    public static void Remove(IWrite write, string trailers) =>
        write.Db.Execute("DELETE FROM input_updates WHERE trailers = @trailers", new { trailers });

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

        public InputUpdate ToUpdate()
        {
            var moved = Read();
            return new InputUpdate(Id, moved ?? [], LooseValue.Text(Trailers), IsReadable: moved is not null);
        }

        private MovedInput[]? Read()
        {
            try
            {
                var moved = JsonSerializer.Deserialize<MovedInput?[]>(LooseValue.Text(Moved) ?? "", Json) ?? [];
                return moved.All(m => m is { Name: not null, From: { } from, To: { } to } && IsWhole(from, to))
                    ? [.. moved.OfType<MovedInput>().DistinctBy(m => m.From)]
                    : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }

        private static bool IsWhole(params LockedInput[] inputs) =>
            inputs.All(i => i is { Url: not null, Rev.Length: >= 12 });
    }
}

/// <summary>An update of inputs that has not ended.</summary>
/// <param name="Id">Its row.</param>
/// <param name="Moved">The inputs with a newer revision.</param>
/// <param name="Trailers">Of its commits; they name its approval, if it has one.</param>
/// <param name="IsReadable">False when its row is damaged; it moves nothing then.</param>
internal sealed record InputUpdate(long Id, IReadOnlyList<MovedInput> Moved, string? Trailers, bool IsReadable = true);

/// <summary>An input with a newer revision.</summary>
/// <param name="Name">Its name in the swarm's lock when the update began.</param>
/// <param name="From">The revision that agents have until they are updated.</param>
/// <param name="To">The newer one.</param>
internal sealed record MovedInput(string Name, LockedInput From, LockedInput To);
