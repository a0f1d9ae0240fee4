using System.Collections.Concurrent;
using System.Data.Common;
using System.Linq.Expressions;
using System.Reflection;

namespace Hive.Common.Storage;

/// <summary>
/// Binds and reads the prepared statements that run for every task, by names as Dapper does: the parameter
/// <c>@Title</c> and the column <c>title</c> belong to the property <c>Title</c>, <c>phase_id</c> to <c>PhaseId</c>. A
/// statement is compiled for its types once. Numbers are <see cref="long"/> or <see cref="double"/>, or null.
/// </summary>
public static class StatementRecords
{
    // For all connections: a reader that failed is replaced, and compiling costs more than many reads.
    private static readonly ConcurrentDictionary<(string Sql, Type Record), Delegate> Binders = new(),
        Readers = new();

    /// <summary>A connection's prepared statement for an SQL text, which must be a constant: the statement lives as
    /// long as the connection.</summary>
    /// <param name="db">A connection of the store, within a read or a write.</param>
    /// <param name="sql">The text.</param>
    public static Statement Prepare(this DbConnection db, string sql) => ((CachedConnection)db).PrepareStatement(sql);

    /// <summary>Binds the parameters of a statement to the properties of a record.</summary>
    public static Statement With<T>(this Statement statement, T args)
    {
        if (statement.Binder is not Action<Statement, T> bind)
            statement.Binder = bind =
                (Action<Statement, T>)Binders.GetOrAdd((statement.Sql, typeof(T)), _ => Binder<T>(statement));
        bind(statement, args);
        return statement;
    }

    /// <summary>Runs a statement to its end.</summary>
    /// <returns>How many rows it has changed.</returns>
    public static int Run(this Statement statement)
    {
        while (statement.Step())
            continue;
        return statement.Changes;
    }

    /// <summary>The first number of a statement's first row; null without a row.</summary>
    public static long? Number(this Statement statement)
    {
        if (!statement.Step())
            return null;
        var number = statement.LongOrNull(0);
        statement.Reset();
        return number;
    }

    /// <summary>The first row of a statement; null without a row.</summary>
    public static T? One<T>(this Statement statement)
        where T : class => statement.Each<T>().FirstOrDefault();

    /// <summary>All rows of a statement.</summary>
    public static List<T> All<T>(this Statement statement)
        where T : class => [.. statement.Each<T>()];

    /// <summary>The rows of a statement, one after another; it runs until the last one, or until the caller
    /// stops.</summary>
    public static IEnumerable<T> Each<T>(this Statement statement)
        where T : class
    {
        if (statement.Reader is not Func<Statement, T> read)
            statement.Reader = read =
                (Func<Statement, T>)Readers.GetOrAdd((statement.Sql, typeof(T)), _ => Reader<T>(statement));
        try
        {
            while (statement.Step())
                yield return read(statement);
        }
        finally
        {
            statement.Reset();
        }
    }

    private static Action<Statement, T> Binder<T>(Statement statement)
    {
        var (of, args) = (Expression.Parameter(typeof(Statement)), Expression.Parameter(typeof(T)));
        var calls = statement.Parameters.Select(
            (name, i) =>
            {
                var property = PropertyOf(typeof(T), name);
                var to = Widened(property.PropertyType);
                return (Expression)
                    Expression.Call(
                        of,
                        typeof(Statement).GetMethod(nameof(Statement.Bind), [typeof(int), to])!,
                        Expression.Constant(i + 1),
                        Expression.Convert(Expression.Property(args, property), to)
                    );
            }
        );
        return Expression
            .Lambda<Action<Statement, T>>(Expression.Block([.. calls, Expression.Empty()]), of, args)
            .Compile();
    }

    private static Func<Statement, T> Reader<T>(Statement statement)
    {
        var of = Expression.Parameter(typeof(Statement));
        var members = statement.Columns.Select(
            (name, i) =>
            {
                var property = PropertyOf(typeof(T), name);
                var read = Widened(property.PropertyType) switch
                {
                    var t when t == typeof(string) => nameof(Statement.TextOrNull),
                    var t when t == typeof(double?) => nameof(Statement.DoubleOrNull),
                    _ when Nullable.GetUnderlyingType(property.PropertyType) is null => nameof(Statement.Long),
                    _ => nameof(Statement.LongOrNull),
                };
                return Expression.Bind(
                    property,
                    Expression.Convert(Expression.Call(of, read, null, Expression.Constant(i)), property.PropertyType)
                );
            }
        );
        return Expression
            .Lambda<Func<Statement, T>>(Expression.MemberInit(Expression.New(typeof(T)), members), of)
            .Compile();
    }

    private static Type Widened(Type type) =>
        type == typeof(string) ? type
        : (Nullable.GetUnderlyingType(type) ?? type) == typeof(double) ? typeof(double?)
        : typeof(long?);

    private static PropertyInfo PropertyOf(Type type, string name) =>
        type.GetProperty(
            name.Replace("_", "", StringComparison.Ordinal),
            BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase
        ) ?? throw new InvalidOperationException($"{type.Name} does not have a property for {name}");
}
