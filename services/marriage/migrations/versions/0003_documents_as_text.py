"""marriage: documents as text."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Expands the schema."""
    op.alter_column('item', 'body',
               existing_type=postgresql.JSONB(astext_type=sa.Text()),
               type_=postgresql.JSON(astext_type=sa.Text()),
               existing_nullable=False,
               schema='marriage')
    op.drop_index(op.f('item_application_no'), table_name='item', schema='marriage')
    op.drop_index(op.f('item_open'), table_name='item', schema='marriage', postgresql_where="(phase = ANY (ARRAY['open'::text, 'decided'::text]))")
    op.alter_column('outbox', 'headers',
               existing_type=postgresql.JSONB(astext_type=sa.Text()),
               type_=postgresql.JSON(astext_type=sa.Text()),
               existing_nullable=False,
               schema='marriage')


def downgrade() -> None:
    """Takes it back."""
    op.alter_column('outbox', 'headers',
               existing_type=postgresql.JSON(astext_type=sa.Text()),
               type_=postgresql.JSONB(astext_type=sa.Text()),
               existing_nullable=False,
               schema='marriage')
    op.create_index(op.f('item_open'), 'item', ['matter', 'unit'], unique=False, schema='marriage', postgresql_where="(phase = ANY (ARRAY['open'::text, 'decided'::text]))")
    op.create_index(op.f('item_application_no'), 'item', ['application_no'], unique=False, schema='marriage')
    op.alter_column('item', 'body',
               existing_type=postgresql.JSON(astext_type=sa.Text()),
               type_=postgresql.JSONB(astext_type=sa.Text()),
               existing_nullable=False,
               schema='marriage')
